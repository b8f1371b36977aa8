"""close.py PLAN RECIPE: the recipe with a bound of 100 kB less than its plan needs with the process itself."""

import json
import sys

plan = json.load(open(sys.argv[1]))
bound = (plan["peak"] + plan["process itself, at most"]) // 1000 - 100
print(open(sys.argv[2]).read().replace("MEMORY", f"memory: {bound} KB").replace("OUT", '"out"'))
