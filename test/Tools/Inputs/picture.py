"""picture.py FILE TEXT...: FILE is an SVG that shows these texts, with a polygon that is not flat for each kind with bytes."""

import sys
import xml.etree.ElementTree

root = xml.etree.ElementTree.parse(sys.argv[1]).getroot()
space = "{http://www.w3.org/2000/svg}"
texts = [text.text for text in root.iter(space + "text")]
missing = [text for text in sys.argv[2:] if text not in texts]
assert not missing, missing
width, height = float(root.get("width")), float(root.get("height"))
areas = {}
for polygon in root.iter(space + "polygon"):
    points = [tuple(map(float, point.split(","))) for point in polygon.get("points").split()]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    pairs = zip(points, points[1:] + points[:1])
    areas[polygon.find(space + "title").text] = abs(sum(a * d - b * c for (a, b), (c, d) in pairs)) / 2
assert areas["activations"] > 1000 and areas["weights"] > 1000, areas
