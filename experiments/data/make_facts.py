#!/usr/bin/env python3
"""Makes facts.json, editing cases shaped like CounterFact's, from knowledge.json and lead-ins.txt.

    make_facts.py            write facts.json
    make_facts.py --check    exit 1 unless facts.json is exactly what would be written

Every fact (subject, relation, object) of the table becomes one case, provided that other subjects
share its object and so give ten neighbourhood prompts. A case asks the model to believe another
object of the same relation. What is chosen (new object, phrasings, neighbours, lead-ins, order) is
chosen by the SHA-256 of SEED and the case's own words: the same on every machine and Python, and a
fact added to the table leaves the other facts' choices as they were wherever it can.

Order: relations take turns, so that any first N cases mix as many relations as they can.
Needs Python 3.8 or newer and nothing else.
"""

import argparse
import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
SEED = "emend facts 1"
PARAPHRASES = 2
NEIGHBOURS = 10
LEAST_PHRASINGS = 4
LEAST_GENERATION = 3
LEAST_OBJECTS = 3
LEAST_LEAD_INS = 60


class TableError(Exception):
    """The table of knowledge breaks one of its own rules."""


def chance(*words):
    """A number that looks random and depends on SEED and these words alone."""
    text = "\x1f".join((SEED,) + words)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def shuffled(items, *words, key=str):
    """The items in an order that depends on SEED, the words and each item's key."""
    return sorted(items, key=lambda item: chance(*words, key(item)))


def require(condition, message):
    if not condition:
        raise TableError(message)


def occurs_in(part, text):
    return part.casefold() in text.casefold()


def require_distinct(items, place):
    require(len(set(items)) == len(items), f"{place}: something is listed twice")


# ------------------------------------------------------------------ the table


def read_table():
    relations = json.loads((HERE / "knowledge.json").read_text(encoding="utf-8"))["relations"]
    require_distinct([relation["id"] for relation in relations], "relation ids")
    for relation in relations:
        check_templates(relation)
        check_facts(relation)
    return relations


def read_lead_ins():
    lines = (HERE / "lead-ins.txt").read_text(encoding="utf-8").splitlines()
    place = "lead-ins.txt"
    require(len(lines) >= LEAST_LEAD_INS, f"{place}: {len(lines)} lines, need {LEAST_LEAD_INS}")
    require_distinct(lines, place)
    for line in lines:
        sentence = line == line.strip() and line.endswith(".")
        require(sentence and "{}" not in line, f"{place}: not a plain sentence: {line!r}")
    return lines


def check_templates(relation):
    place = relation["id"]
    templates = [relation["prompt"]] + relation["phrasings"] + relation["generation"]
    require_distinct(templates, place)
    require(len(relation["phrasings"]) >= LEAST_PHRASINGS, f"{place}: too few phrasings")
    require(len(relation["generation"]) >= LEAST_GENERATION, f"{place}: too few generation prompts")
    for template in templates:
        require(template.count("{}") == 1, f"{place}: not exactly one {{}} in {template!r}")
        require(template == template.strip(), f"{place}: spaces around {template!r}")


def check_facts(relation):
    place, facts = relation["id"], relation["facts"]
    subjects = [subject for group in facts.values() for subject in group]
    require(len(facts) >= LEAST_OBJECTS, f"{place}: {len(facts)} objects, need {LEAST_OBJECTS}")
    require_distinct(subjects, f"{place}: subjects")
    for subject in subjects:
        require(subject and subject == subject.strip(), f"{place}: bad subject {subject!r}")
        for value in facts:
            require(not occurs_in(value, subject), f"{place}: {subject!r} gives away {value!r}")
    for subject, values in relation.get("also", {}).items():
        require(subject in subjects, f"{place}: also: {subject!r} is no subject")
        require_distinct(values, f"{place}: also: {subject}")


def facts_of(relation):
    return [(subject, value) for value, group in relation["facts"].items() for subject in group]


def is_true(relation, subject, value):
    return subject in relation["facts"][value] or value in relation.get("also", {}).get(subject, [])


# ------------------------------------------------------------------ one case


def choose_neighbours(relation, subject, true, new):
    """Prompts about other subjects of which `true` holds and `new` does not, taken in turns."""
    others = [
        other
        for other in relation["facts"][true]
        if not is_true(relation, other, new) and not occurs_in(subject, other)
    ]
    templates = [relation["prompt"]] + relation["phrasings"]
    prompts = []
    for turn in range(len(templates)):
        for other in shuffled(others, "neighbour", relation["id"], subject):
            order = shuffled(templates, "phrasing", relation["id"], subject, other)
            prompts.append(order[turn].replace("{}", other))
    prompts = [prompt for prompt in prompts if not occurs_in(subject, prompt)]
    return prompts[:NEIGHBOURS]


def choose_target(relation, subject, true):
    """Another object of the relation, false of the subject, with ten neighbours; or None twice."""
    values = [value for value in relation["facts"] if not is_true(relation, subject, value)]
    for new in shuffled(values, "new", relation["id"], subject):
        neighbours = choose_neighbours(relation, subject, true, new)
        if len(neighbours) == NEIGHBOURS:
            return new, neighbours
    return None, None


def choose_paraphrases(relation, subject, lead_ins):
    words = (relation["id"], subject)
    phrasings = shuffled(relation["phrasings"], "paraphrase", *words)[:PARAPHRASES]
    leads = shuffled(lead_ins, "lead-in", *words)[:PARAPHRASES]
    return [f"{lead} {text.replace('{}', subject)}" for lead, text in zip(leads, phrasings)]


def make_case(relation, subject, true, lead_ins):
    """The case without its number, or None where the table has too few neighbours."""
    new, neighbours = choose_target(relation, subject, true)
    if new is None:
        return None
    return {
        "requested_rewrite": {
            "prompt": relation["prompt"],
            "relation_id": relation["id"],
            "subject": subject,
            "target_new": {"str": new},
            "target_true": {"str": true},
        },
        "paraphrase_prompts": choose_paraphrases(relation, subject, lead_ins),
        "neighborhood_prompts": neighbours,
        "generation_prompts": [text.replace("{}", subject) for text in relation["generation"]],
    }


# ------------------------------------------------------------------ all cases


def make_cases(relations, lead_ins):
    hands = []
    for relation in shuffled(relations, "relations", key=lambda item: item["id"]):
        order = shuffled(facts_of(relation), "facts", relation["id"], key=lambda fact: fact[0])
        cases = [make_case(relation, subject, true, lead_ins) for subject, true in order]
        hands.append([case for case in cases if case])
    rounds = range(max(map(len, hands)))
    dealt = [hand[turn] for turn in rounds for hand in hands if turn < len(hand)]
    return [{"case_id": number, **case} for number, case in enumerate(dealt)]


def check_case(case, relations):
    """What a reader of facts.json may rely on, checked on the finished case."""
    place, rewrite = f"case {case['case_id']}", case["requested_rewrite"]
    relation = relations[rewrite["relation_id"]]
    subject, true, new = (
        rewrite["subject"],
        rewrite["target_true"]["str"],
        rewrite["target_new"]["str"],
    )
    about, neighbours = case["paraphrase_prompts"], case["neighborhood_prompts"]
    require(is_true(relation, subject, true), f"{place}: {true} is not true of {subject}")
    require(not is_true(relation, subject, new), f"{place}: {new} is true of {subject}")
    require(not occurs_in(true, new) and not occurs_in(new, true), f"{place}: targets overlap")
    require(rewrite["prompt"].count("{}") == 1, f"{place}: prompt")
    require(len(about) == PARAPHRASES, f"{place}: paraphrases")
    require(len(neighbours) == NEIGHBOURS, f"{place}: neighbours")
    prompts = about + neighbours + case["generation_prompts"]
    require_distinct(prompts + [rewrite["prompt"].replace("{}", subject)], place)
    for prompt in about + case["generation_prompts"]:
        require(prompt.count(subject) == 1, f"{place}: {subject} not once in {prompt!r}")
    for prompt in neighbours:
        require(not occurs_in(subject, prompt), f"{place}: {subject} in {prompt!r}")
    for prompt in prompts:
        for target in (true, new):
            require(not occurs_in(f" {target} ", f" {prompt} "), f"{place}: {target} in {prompt!r}")


def make_text():
    """The text of facts.json, the number of its cases and the number of facts that gave none."""
    relations = read_table()
    cases = make_cases(relations, read_lead_ins())
    by_id = {relation["id"]: relation for relation in relations}
    for case in cases:
        check_case(case, by_id)
    require_distinct(
        [(c["requested_rewrite"]["relation_id"], c["requested_rewrite"]["subject"]) for c in cases],
        "cases",
    )
    facts = sum(len(facts_of(relation)) for relation in relations)
    text = json.dumps(cases, indent=1, ensure_ascii=False) + "\n"
    return text, len(cases), facts - len(cases)


def main():
    parser = argparse.ArgumentParser(description="Makes facts.json from knowledge.json.")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    path = HERE / "facts.json"
    try:
        text, cases, left_out = make_text()
    except TableError as error:
        sys.exit(f"make_facts.py: {error}")
    if not arguments.check:
        path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {cases} cases; facts left out for want of neighbours: {left_out}")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        sys.exit(f"make_facts.py: {path} is not what the table gives; run make_facts.py again")


if __name__ == "__main__":
    main()
