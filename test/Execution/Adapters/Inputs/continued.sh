# continued.sh FTC RECIPE FOLDER: 24 tokens are the first 10 and, after a prompt that ends with those, 14 more; not what the base says.
set -euo pipefail
generate() { # NAME PROMPT TOKENS
  "$ftc" "$recipe" -D out="$folder/$1" -D prompt="$2" -D tokens="$3" -o "$folder/x"
  "$folder/x" --out "$folder/run" --fresh --quiet
}
completion() { python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["completion"], end="|")' "$folder/$1.jsonl"; }
ftc=$1 recipe=$2 folder=$3 prompt=" the old man"
generate whole "$prompt" 24
generate first "$prompt" 10
first=$(completion first/text)
generate rest "$prompt${first%|}" 14
test "$(completion whole/text)" = "${first%|}$(completion rest/text)"
test "$(completion whole/text)" != "$(completion whole/plain)"
