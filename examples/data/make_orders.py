#!/usr/bin/env python3
"""Writes orders-train.jsonl and orders-test.jsonl: an order in free text in, one fixed JSON object out.

The rows are made by rule and are in the public domain (CC0). The held-out rows use names, cities and goods that the
training rows do not, and two wordings of their own, so that they measure the form learnt and not the rows remembered.
"""

import json
import random

TRAIN = {
    "name": ["Maria Lopez", "John Carter", "Aisha Khan", "Pierre Dubois", "Yuki Tanaka", "Lena Fischer", "Omar Haddad",
             "Sofia Rossi", "David Cohen", "Emma Larsen", "Chen Wei", "Ana Silva", "Peter Novak", "Grace Mbeki"],
    "city": ["Lisbon", "Denver", "Lyon", "Osaka", "Hamburg", "Cairo", "Milan", "Oslo", "Prague", "Boston", "Toronto"],
    "item": ["mug", "desk lamp", "notebook", "umbrella", "backpack", "scarf", "teapot", "candle", "pillow", "clock"],
    "color": ["blue", "red", "green", "black", "white", "yellow", "grey"],
}
TEST = {
    "name": ["Hugo Martin", "Nora Berg", "Sam Patel", "Ines Costa", "Karl Weber", "Mina Park"],
    "city": ["Madrid", "Seattle", "Vienna", "Dublin", "Seoul"],
    "item": ["vase", "blanket", "chair", "basket", "kettle"],
    "color": ["orange", "purple", "brown", "pink"],
}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
WORDINGS = [
    "Hi, this is {name} from {city}. I would like {quantity} {color} {item}s, delivered by {day} please.",
    "Please send {quantity} {color} {item}s to {name} in {city}. We need them on {day}.",
    "{name} here. Could you ship {quantity} {item}s ({color}) to {city} before {day}? Thanks!",
    "Order for {day}: {quantity} {item}s in {color}. Customer {name}, {city}.",
    "Hello! We are short of {color} {item}s again. {quantity} of them for {city} by {day}, in the name of {name}.",
    "To whom it may concern: {name} ({city}) asks for {quantity} {item}s. Colour: {color}. Latest delivery {day}.",
]
HELD_OUT_WORDINGS = [
    "Good morning, I am {name} and I live in {city}. Can I get {quantity} {color} {item}s until {day}?",
    "{quantity} {color} {item}s, please! They should reach {city} on {day}. Yours, {name}.",
]


def rows(random_numbers, words, wordings, count):
    for _ in range(count):
        order = {key: random_numbers.choice(values) for key, values in words.items()}
        order["quantity"] = random_numbers.randint(2, 40)
        order["day"] = random_numbers.choice(DAYS)
        text = random_numbers.choice(wordings).format(**order)
        answer = {"customer": order["name"], "city": order["city"], "item": order["item"], "color": order["color"],
                  "quantity": order["quantity"], "deliver_by": order["day"]}
        yield {"instruction": "Extract the order as JSON.", "input": text, "output": json.dumps(answer)}


def main():
    random_numbers = random.Random(7)
    for path, words, wordings, count in (("orders-train.jsonl", TRAIN, WORDINGS, 400),
                                         ("orders-test.jsonl", TEST, WORDINGS + HELD_OUT_WORDINGS, 24)):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            for row in rows(random_numbers, words, wordings, count):
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
