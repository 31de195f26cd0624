#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the manual pages of the tapset from its doc comments.

usage: tapset_reference.py TAPSET OUTPUT [DEPFILE]

Writes OUTPUT/function::NAME.3stap and OUTPUT/probe::NAME.3stap for each public function and probe alias
of TAPSET/**/*.stp, and OUTPUT/tapset::FILE.3stap for each file. A doc comment is `/** NAME: text */` before the
definition, with a line ` * @VARIABLE: text` for each variable that an alias offers; the comment lines at a
file's head introduce the file. Fails, and names them, when public definitions have no doc comment or aliases assign
variables that it does not tell of. A comment `/** BEGINNING: text */` tells of variables of all aliases that begin so, and
of those aliases that have no comment of their own, which share its page; "; its variables are those of ALIAS" at the end
of a text names another alias whose comment tells of them.
"""
import pathlib
import re
import sys

DOC = re.compile(r"/\*\*\s*([\w.]+):\s*(.*?)\s*\*/", re.S)
DEFINITION = re.compile(r"^(private )?(function|probe)\s+([\w.]+)\s*(?::\s*(\w+))?\s*(?:\(([^)]*)\)|(\+?=))?", re.M)
SAME = re.compile(r"; its variables are those of ([\w.]+)$")
MACRO = re.compile(r"^@define (\w+)(?:\([^)]*\))? %\((.*?)%\)", re.S | re.M)
BODY = re.compile(r"[^{]*?\{(?:[^{}\n]*\}|.*?^\})", re.S | re.M)
ASSIGNED = re.compile(r"(?:^\t+|\{ )([a-z]\w*)\s*=[^=]", re.M)


class Entry:
    """A function with all its overloads, or a probe alias."""

    def __init__(self, kind, name):
        self.kind, self.name = kind, name
        self.text = None
        self.assigned = set()
        self.variables = {}
        self.synopses = []

    def document(self, comment):
        """Takes the text and the variables from a doc comment."""
        self.text, *variables = re.split(r"\s*@(?=\w+:)", re.sub(r"\s*\n \*\s*", " ", comment))
        for variable in variables:
            name, text = variable.split(":", 1)
            self.variables[name] = text.strip()

    def borrow(self, name, docs):
        """Takes the variables that another alias's comment tells of."""
        other = Entry(self.kind, name)
        other.document(docs[name])
        self.variables = {**other.variables, **self.variables}
        same = SAME.search(other.text)
        if same and same.group(1) != self.name:
            self.borrow(same.group(1), docs)

    def assign(self, body, macros, docs):
        """Notes the variables of an alias's body, and what comments of its beginnings tell of them."""
        body += "".join(macros.get(name, "") for name in re.findall(r"@(\w+)", body))
        self.assigned |= set(ASSIGNED.findall(body))
        beginning = self.name
        while "." in beginning:
            beginning = beginning.rpartition(".")[0]
            if beginning in docs:
                family = Entry(self.kind, beginning)
                family.document(docs[beginning])
                told = {n: t for n, t in family.variables.items() if n in self.assigned}
                self.variables = {**told, **self.variables}
        same = SAME.search(self.text or "")
        if same:
            self.borrow(same.group(1), docs)


def documented(name, docs):
    """The name itself, or what comes before one of its dots if that alone is in a doc comment: a family's page."""
    page = name
    while page not in docs and "." in page:
        page = page.rpartition(".")[0]
    return page if page in docs else name


def parse(path):
    """(introduction, entries by (kind, name), in order) of one file."""
    source = path.read_text(encoding="utf-8")
    head = []
    for line in source.splitlines()[1:]:
        if not line.startswith("//"):
            break
        head.append(line[2:].strip())
    docs = dict(DOC.findall(source))
    macros = dict(MACRO.findall(source))
    entries = {}
    for match in DEFINITION.finditer(source):
        private, kind, name, result, parameters, alias = match.groups("")
        if private or name.startswith("_") or (kind == "probe" and not alias):
            continue
        page = documented(name, docs)
        entry = entries.setdefault((kind, page), Entry(kind, page))
        if page in docs:
            entry.document(docs[page])
        if kind == "function":
            inner = ", ".join(p.strip() for p in parameters.split(",") if p.strip())
            entry.synopses.append(f"{name}{':' + result if result else ''}({inner})")
        else:
            entry.synopses.append(name)
            entry.assign(BODY.match(source, match.end()).group(), macros, docs)
    return " ".join(head), entries


def roff(text):
    """Text as roff input."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in text.split("\n"))


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def page(title, section, name, brief, synopses, body, also):
    out = ['.\\" Made by tools/tapset_reference.py', f'.TH "{roff(title)}" 3stap "" "bpftap" "{section}"', ".SH NAME",
           f"{roff(name)} \\- {roff(brief)}"]
    if synopses:
        out += [".SH SYNOPSIS", ".nf"]
        out += [f".B {roff(s)}" for s in synopses]
        out += [".fi"]
    out += body
    if also:
        out += [".SH SEE ALSO"] + [f".BR {roff(a)} (3stap)" + ("," if a != also[-1] else "") for a in also]
    return "\n".join(out) + "\n"


def entry_page(entry, tapset):
    brief, _, rest = entry.text.partition("; ")
    body = [".SH DESCRIPTION", roff(sentence(brief))] + ([roff(sentence(rest))] if rest else [])
    body += [".SH VALUES"] if entry.variables else []
    for name, text in entry.variables.items():
        body += [".TP", f".I {roff(name)}", roff(sentence(text))]
    return page(f"{entry.kind}::{entry.name}", "Tapset reference", f"{entry.kind}::{entry.name}", brief.rstrip("."),
                entry.synopses, body, [f"tapset::{tapset}"])


def tapset_page(tapset, introduction, entries):
    body = [".SH DESCRIPTION", roff(introduction)]
    for entry in entries.values():
        body += [".TP", f".B {roff(entry.synopses[0])}", roff(sentence(entry.text))]
    brief = introduction.split(". ")[0].rstrip(".") or tapset
    return page(f"tapset::{tapset}", "Tapset reference", f"tapset::{tapset}", brief, [], body,
                sorted({f"{e.kind}::{e.name}" for e in entries.values()}))


def main():
    tapset, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    sources = sorted(tapset.rglob("*.stp"))
    missing = []
    pages = {}
    for source in sources:
        introduction, entries = parse(source)
        if not entries:
            continue
        bad = [f"{source}: {e.kind} {e.name} has no doc comment" for e in entries.values() if not e.text]
        bad += [f"{source}: {e.kind} {e.name}: the doc comment does not tell of {', '.join(sorted(more))}"
                for e in entries.values() if (more := e.assigned - set(e.variables))]
        if not introduction:
            bad.append(f"{source}: no introduction at the file's head")
        missing += bad
        if bad:
            continue
        for entry in entries.values():
            pages[f"{entry.kind}::{entry.name}"] = entry_page(entry, source.stem)
        pages[f"tapset::{source.stem}"] = tapset_page(source.stem, introduction, entries)
    if missing:
        sys.exit("\n".join(missing))
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.3stap"):
        if old.stem not in pages:
            old.unlink()
    for name, text in pages.items():
        (output / f"{name}.3stap").write_text(text, encoding="utf-8")
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(f"{output}: {' '.join(map(str, sources))}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
