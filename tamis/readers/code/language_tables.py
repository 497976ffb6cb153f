"""Tables of languages: extensions, names, marks in a text where an extension has several, kinds, other spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tamis.section import Kind


def _table(**rows: str) -> dict[str, str]:
    return {extension: language for language, row in rows.items() for extension in row.split()}


_SPELLED = {
    "CSharp": "C#", "Cpp": "C++", "FSharp": "F#", "ObjectiveC": "Objective-C", "ObjectiveCpp": "Objective-C++",
    "CommonLisp": "Common Lisp", "EmacsLisp": "Emacs Lisp", "VimScript": "Vim Script", "reStructuredText": "reStructuredText",
    "JavaServerPages": "Java Server Pages", "GettextCatalog": "Gettext Catalog", "OpenSCAD": "OpenSCAD",
    "ProtocolBuffer": "Protocol Buffer", "VisualBasic": "Visual Basic .NET", "WebAssembly": "WebAssembly",
    "StandardML": "Standard ML", "JupyterNotebook": "Jupyter Notebook", "GoModule": "Go Module", "APIBlueprint": "API Blueprint",
    "HTMLDjango": "Jinja", "IgnoreList": "Ignore List", "TreeSitter": "Tree-sitter Query", "ClassicASP": "Classic ASP",
    "ASPNET": "ASP.NET", "RichText": "Rich Text Format", "GraphQL": "GraphQL",
}  # fmt: skip

_ROWS = _table(
    Ada="adb ads ada", Agda="agda", ANTLR="g4", APL="apl dyalog", AppleScript="applescript scpt", Assembly="asm nasm",
    AsciiDoc="adoc asciidoc", Astro="astro", Awk="awk gawk", Batchfile="bat cmd", BibTeX="bib", Bicep="bicep",
    Blade="blade.php", C="c cats idc", CSharp="cs cake csx", Cpp="cc cpp cxx c++ hh hpp hxx h++ ipp tcc tpp inl cppm ixx",
    CMake="cmake", COBOL="cob cbl cobol ccp", CSS="css", CSV="csv", Clojure="clj cljs cljc edn boot", Chapel="chpl",
    CoffeeScript="coffee cjsx", CommonLisp="lisp cl asd", Crystal="cr", Cuda="cu cuh", Cython="pyx pxd pxi", D="di",
    Dart="dart", Dhall="dhall", Diff="diff patch", Dockerfile="dockerfile containerfile", EJS="ejs", Elixir="ex exs",
    Elm="elm", EmacsLisp="el emacs", Erlang="erl hrl escript xrl yrl", FSharp="fsi fsx", Fennel="fnl", Fish="fish",
    Fortran="f f90 f95 f03 f08 f77 for ftn fpp", GDScript="gdscript", GLSL="glsl vert frag geom comp fsh vsh", Gherkin="feature",
    GettextCatalog="po pot", Gleam="gleam", Gnuplot="gnuplot gp plt", Go="go", GraphQL="graphql gql graphqls", Graphviz="dot gv",
    Groovy="groovy gvy gradle grt", HCL="hcl tf tfvars", HLSL="hlsl fx fxh", HTML="html htm xhtml xht shtml",
    Hack="hack", Haml="haml", Handlebars="handlebars hbs", Haskell="hs hsc hs-boot", Haxe="hx hxsl", INI="ini cfg dof prefs",
    Idris="idr lidr", JSON="json geojson jsonl ndjson topojson webmanifest avsc har jsonld tfstate", JSON5="json5 jsonc",
    Java="java jav jsh", JavaScript="js cjs es6 mjs jsm jsx", JavaServerPages="jsp jspf", Jinja="j2 jinja jinja2", Julia="jl",
    JupyterNotebook="ipynb", Kotlin="kt kts ktm", LLVM="ll", Less="less", Lex="lex", Liquid="liquid", Lean="lean", Lua="lua nse rockspec",
    MLIR="mlir", Makefile="mk mak make am", Markdown="markdown mdown mdwn mkd mkdn mkdown livemd ronn qmd", MDX="mdx", Mako="mako mao",
    Mathematica="nb wl wls mt", MATLAB="matlab", Mermaid="mmd mermaid", Meson="meson", Metal="metal", Mojo="mojo", Mustache="mustache",
    Nim="nim nims nimble", Nix="nix", Nunjucks="njk", OCaml="ml mli mll mly eliom", ObjectiveCpp="mm",
    Org="org", PHP="php php3 php4 php5 phps phpt phtml ctp", PLSQL="pls plsql pkb pks", Pascal="pas dpr dfm lpr", Perl="perl ph plx psgi",
    Pod="pod", PostScript="ps eps", PowerShell="ps1 psd1 psm1", Prisma="prisma", Prolog="prolog", ProtocolBuffer="proto", Pug="pug jade",
    Puppet="epp", PureScript="purs", Python="py pyi pyw py3 pyde gyp gypi wsgi bzl star", QML="qml qbs", R="r rsx", RDoc="rdoc",
    RMarkdown="rmd", Racket="rkt rktd rktl scrbl", Raku="raku rakumod rakutest p6 pm6", Razor="cshtml razor", ReScript="res resi",
    Reason="re rei", Ruby="rb rbi rbw rake gemspec podspec ru thor jbuilder builder erb", Rust="rs", SCSS="scss", SQL="sql ddl prc",
    SVG="svg", Sass="sass", Scala="scala sbt", Scheme="scm sld ss sch", Scilab="sci sce", Shell="sh bash bats ksh zsh tmux command ebuild",
    Slim="slim", Smalltalk="st", Smarty="tpl", Solidity="sol", StandardML="sig sml fun", Starlark="bazel bzlmod", Stata="ado do", Stylus="styl",
    Svelte="svelte", Swift="swift swiftinterface", SystemVerilog="sv svh vh", TOML="toml", TSV="tsv tab", TSX="tsx", Tcl="tcl adp tm", TeX="tex ltx sty dtx ins bbx cbx",
    Text="txt text nfo", Texinfo="texi texinfo txi", Textile="textile", Thrift="thrift", Turtle="ttl", Twig="twig", TypeScript="cts mts",
    VHDL="vhd vhdl vho", Vala="vala vapi", VimScript="vim vimrc", VisualBasic="vb vbhtml", Vue="vue", WebAssembly="wat wast",
    WGSL="wgsl", MediaWiki="mediawiki wiki", XML="xml xsd xsl xslt wsdl rng rdf plist resx csproj vcxproj fsproj vbproj props targets xaml xul xmi"
    " pom dita storyboard xib nuspec jelly kml gml gpx ui qrc sln.xml atom rss dtd", YAML="yml yaml", Yacc="yy yacc", Zig="zig", Zsh="zsh-theme",
    reStructuredText="rst rest", HTMLDjango="djhtml djt", Roff="roff troff man mdoc me nroff", Terraform="tftest", Tact="tact", Move="move",
    ABAP="abap", ActionScript="as", Ballerina="bal", Ceylon="ceylon", Delphi="", Eiffel="", Forth="fth 4th forth", Inno="iss", Io="io", J="ijs",
    NSIS="nsi nsh", OpenSCAD="scad", OpenCL="", Pony="pony", RON="ron", SAS="sas", SPARQL="sparql rq", Squirrel="nut", Uiua="ua", Vyper="vy", Wren="wren",
    ClassicASP="asp", ASPNET="aspx ascx asax asmx master", RichText="rtf", GoModule="", Cairo="cairo", Circom="circom", Noir="nr", Odin="odin", Jsonnet="jsonnet libsonnet",
)  # fmt: skip
BY_EXTENSION: Mapping[str, str] = {extension: _SPELLED.get(name, name) for extension, name in _ROWS.items()}

BY_NAME: Mapping[str, str] = {
    **dict.fromkeys(("makefile", "gnumakefile", "kbuild", "makefile.in", "makefile.am", "bsdmakefile"), "Makefile"),
    **dict.fromkeys(("dockerfile", "containerfile"), "Dockerfile"),
    **dict.fromkeys(("gemfile", "rakefile", "podfile", "vagrantfile", "guardfile", "capfile", "brewfile", "fastfile"), "Ruby"),
    **dict.fromkeys(("sconstruct", "sconscript", "wscript"), "Python"),
    **dict.fromkeys(("build", "workspace", "build.bazel"), "Starlark"),
    **dict.fromkeys((".bashrc", ".bash_profile", ".profile", ".zshrc", ".bash_aliases", "pkgbuild", "apkbuild", "gradlew"), "Shell"),
    **dict.fromkeys(("cmakelists.txt",), "CMake"),
    **dict.fromkeys(("meson.build", "meson_options.txt"), "Meson"),
    **dict.fromkeys((".vimrc", ".gvimrc", "_vimrc", ".exrc"), "Vim Script"),
    **dict.fromkeys((".emacs", ".gnus", "_emacs"), "Emacs Lisp"),
    **dict.fromkeys((".gitignore", ".dockerignore", ".npmignore", ".eslintignore", ".prettierignore", ".hgignore"), "Ignore List"),
    **dict.fromkeys((".gitattributes",), "Git Attributes"),
    **dict.fromkeys((".gitmodules", ".gitconfig", ".editorconfig", ".pylintrc", ".flake8", ".coveragerc", ".npmrc", ".pypirc"), "INI"),
    **dict.fromkeys((".babelrc", ".eslintrc", ".jshintrc", ".prettierrc", ".swcrc", "composer.lock", "flake.lock"), "JSON"),
    **dict.fromkeys((".clang-format", ".clang-tidy", ".clangd"), "YAML"),
    **dict.fromkeys(("cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "pipfile"), "TOML"),
    **dict.fromkeys(("pipfile.lock",), "JSON"),
    **dict.fromkeys(("go.mod", "go.work"), "Go Module"),
    **dict.fromkeys(("go.sum",), "Go Checksums"),
    **dict.fromkeys(("jenkinsfile",), "Groovy"),
    **dict.fromkeys(("procfile", "caddyfile", "nginx.conf", "justfile", ".env.example"), "Configuration"),
    **dict.fromkeys(("requirements.txt", "constraints.txt", "manifest.in", "robots.txt", "py.typed", "codeowners"), "Configuration"),
    **dict.fromkeys(("configure.ac", "configure.in", "aclocal.m4"), "M4Sugar"),
    **dict.fromkeys(("readme", "changelog", "changes", "news", "todo", "authors", "contributors", "thanks", "install", "hacking",
                     "history", "credits", "maintainers", "bugs", "faq", "version", "metadata", "pkg-info"), "Text"),
}  # fmt: skip
"""Whole names in small letters."""


class Rule(NamedTuple):
    """A mark of a language.

    Attributes:
        language: linguist's name.
        pattern: stands in some texts of it.
        words: of which one stands wherever the pattern does; none where that is not known.
    """

    language: str
    pattern: re.Pattern[str]
    words: tuple[str, ...] = ()

    def marks(self, text: str) -> bool:
        """Whether the mark is in a text. Words are found in a fiftieth of the time, and most texts have none."""
        return (not self.words or any(word in text for word in self.words)) and self.pattern.search(text) is not None


def _rules(*rules: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(language, re.compile(pattern, re.MULTILINE)) for language, pattern in rules)


_OBJECTIVE_C = r"^\s*(?:@(?:interface|class|protocol|property|end|implementation|synthesize|import)\b|#import\s+[<\"])"
_CPP_HEADERS = (
    "string", "vector", "map", "list", "array", "bitset", "queue", "stack", "memory", "utility", "stream", "istream", "ostream", "functional",
    "algorithm", "type_traits", "tuple", "thread", "mutex", "atomic", "chrono", "optional", "variant",
)  # fmt: skip
# Headers have the ending of both, are most of the files of a tree of C, and took half of reading one: one mark at a time.
_C_HEADERS = (
    Rule(
        "Objective-C", re.compile(_OBJECTIVE_C, re.MULTILINE),
        ("#import", *(f"@{word}" for word in ("interface", "class", "protocol", "property", "end", "implementation", "synthesize", "import"))),
    ),
    *(
        Rule("C++", re.compile(pattern, re.MULTILINE), words)
        for pattern, words in (
            (r"\w::\w+\s*\(", ("::",)),
            (r"\bstd::\w", ("std::",)),
            (rf"^\s*#\s*include\s*<(?:cstd\w+|unordered_\w+|{'|'.join(_CPP_HEADERS)})>", ("<cstd", "<unordered_", *(f"<{name}>" for name in _CPP_HEADERS))),
            (r"^[ \t]*(?:using[ \t]+)?namespace\b", ("namespace",)),
            (r"^\s*template\s*<", ("template",)),
            (r"^[ \t]*(?:private|public|protected)\s*:", ("private", "public", "protected")),
            (r"^[ \t]*(?:constexpr|virtual)\b", ("constexpr", "virtual")),
            (r"^[ \t]*class\s+\w+[\s\w]*[;:{]", ("class",)),
        )
    ),
)  # fmt: skip
_PERL = r"^\s*(?:use\s+(?:strict|warnings|v?5|lib|base|parent)\b|package\s+[\w:]+\s*;|sub\s+\w+\s*[({]?)|\bmy\s*[$@%(]|^#!.*\bperl\b|^=(?:head1|pod)\b"
_RAKU = r"^\s*(?:use\s+v6\b|(?:unit\s+)?(?:module|class|role|grammar)\s+[\w:]+\s*(?:;|\{|is\b)|multi\s+(?:sub|method)\b)|^#!.*\b(?:raku|perl6)\b"
_PROLOG = r"^\s*:-\s|^[a-z]\w*(?:\([^\n]*\))?\s*:-"
_MATLAB = (
    r"^\s*(?:function\b|%|end\s*;?\s*$|classdef\b|clear\b|close all|clc\b)|\.\*|\.\^|^[ \t]*\w+\s*=\s*\[|\bdisp\s*\("
)

BY_CONTENT: Mapping[str, tuple[tuple[Rule, ...], str]] = {
    "h": (_C_HEADERS, "C"),
    "m": (
        _rules(
            ("Objective-C", _OBJECTIVE_C + r"|^\s*#\s*(?:include|define|ifdef)\b|^\s*//"),
            ("Mercury", r"^\s*:-\s*(?:module|import_module|interface)\b"),
            ("Mathematica", r"^\s*\(\*|\bBeginPackage\["),
            ("MATLAB", _MATLAB),
        ),
        "MATLAB",
    ),
    "pl": (_rules(("Prolog", _PROLOG), ("Raku", _RAKU), ("Perl", _PERL)), "Perl"),
    "pm": (_rules(("X PixMap", r"^/\* XPM \*/"), ("Raku", _RAKU), ("Perl", _PERL)), "Perl"),
    "t": (_rules(("Perl", _PERL), ("Raku", _RAKU), ("Turing", r"^\s*%|\bproc(?:edure)?\b")), "Perl"),
    "pro": (
        _rules(
            ("Prolog", _PROLOG), ("QMake", r"^\s*(?:QT|TEMPLATE|SOURCES|HEADERS|TARGET|CONFIG|SUBDIRS)\b\s*[+-]?="),
            ("ProGuard", r"^\s*-(?:keep|dont)"), ("IDL", r"^\s*(?i:pro|function|compile_opt)\b"),
        ),
        "IDL",
    ),
    "v": (
        _rules(
            ("Rocq Prover", r"\b(?:Theorem|Lemma|Proof|Qed|Definition|Fixpoint|Inductive|Require|Import|Section|Notation)\b[^;]*\.\s*$"),
            ("Verilog", r"^\s*(?:module\b|`(?:define|include|timescale|ifdef)|endmodule|always\b|reg\b|wire\b)"),
            ("V", r"^\s*(?:fn |pub fn|import \w+$|module \w+$)"),
        ),
        "Verilog",
    ),
    "inc": (
        _rules(
            ("PHP", r"<\?(?:php|=|\s)"), ("BitBake", r"^(?:SRC_URI|DESCRIPTION|LICENSE|DEPENDS|inherit)\b"), ("Pascal", r"(?i:^\s*(?:procedure|begin|\{\$))"),
            ("Assembly", r"^\s*(?:\.\w+\s|\w+:\s*$|;|%macro|%define)|\b(?:equ|db|dw|mov)\b"), ("C++", r"^\s*#|^\s*//|/\*|[;{}]\s*$"),
        ),
        "C++",
    ),
    "cls": (
        _rules(("TeX", r"^\s*\\(?:ProvidesClass|NeedsTeXFormat|LoadClass|def|newcommand)|^\s*%"), ("Visual Basic 6.0", r"^VERSION \d|^Attribute VB_")),
        "Apex",
    ),
    "ts": (_rules(("XML", r"\A\s*<(?:\?xml|!DOCTYPE TS|TS)\b")), "TypeScript"),
    "fs": (_rules(("F#", r"^\s*(?:module|namespace|open|let|type|#light|///)\b"), ("GLSL", r"^\s*(?:#version|precision|uniform|varying|void main)\b"), ("Forth", r"^(?:: |\\ )")), "F#"),
    "vs": (_rules(("GLSL", r"^\s*(?:#version|uniform|attribute|varying|void main)\b")), "GLSL"),
    "d": (_rules(("DTrace", r"^\s*(?:\w*:\w*:\w*:\w*|#pragma\s+D\b|BEGIN$|provider\b)"), ("Makefile", r"^[\w./ -]+\.o\s*:|\\\n"), ("D", r"^\s*(?:module|import|unittest|version|alias|template)\b")), "D"),
    "md": (_rules(("GCC Machine Description", r"^\s*\((?:define_|match_)\w+")), "Markdown"),
    "s": (_rules(("Assembly", r"^\s*[.#;@/*]|^\w+:|^\s+\w+\s")), "Assembly"),
    "l": (_rules(("Lex", r"^%[{%]|^%(?:option|x|s)\b"), ("Common Lisp", r"^\s*\((?:def|in-package|setq|let)"), ("Roff", r"^[.']\\\"|^\.(?:TH|Dd|SH)\b")), "Lex"),
    "y": (_rules(("Yacc", r"^%[%{]|^%(?:token|type|left|start|union)\b")), "Yacc"),
    "e": (_rules(("Eiffel", r"^\s*(?:class|feature|inherit|note|indexing)\b"), ("E", r"^\s*def\s")), "Eiffel"),
    "p": (_rules(("Gnuplot", r"^\s*(?:set|plot|splot)\s"), ("OpenEdge ABL", r"(?i:^\s*(?:define|find|procedure|for each)\b)")), "Pascal"),
    "pp": (_rules(("Pascal", r"(?i:^\s*(?:unit|program|uses|interface|begin)\b)"), ("Puppet", r"^\s*(?:class|define|node|include|file)\b")), "Puppet"),
    "bas": (_rules(("Visual Basic 6.0", r"^Attribute VB_|^Option Explicit"), ("FreeBasic", r"(?i:^\s*(?:#include|dim |sub |declare ))")), "BASIC"),
    "gd": (_rules(("GAP", r"^\s*(?:gap>|Declare\w+\(|InstallMethod)|^##"), ("GDScript", r"^\s*(?:extends|func|var|class_name|tool|@tool)\b")), "GDScript"),
    "g": (_rules(("GAP", r"^\s*(?:gap>|Declare\w+\(|Install\w+|LoadPackage)|:="), ("ANTLR", r"^\s*(?:grammar|lexer|parser|options)\b")), "ANTLR"),
    "j": (_rules(("Jasmin", r"^\s*\.(?:class|method|super)\b"), ("Objective-J", r"^\s*@(?:import|implementation)\b")), "Objective-J"),
    "mod": (_rules(("XML", r"\A\s*<(?:!|\?xml)"), ("Modula-2", r"^\s*(?:DEFINITION |IMPLEMENTATION )?MODULE\b"), ("AMPL", r"^\s*(?:param|set|var|subject to|minimize)\b")), "Text"),
    "conf": (_rules(("XML", r"\A\s*<\?xml")), "Configuration"),
    "properties": ((), "Java Properties"),
    "sls": (_rules(("Scheme", r"^\s*\(")), "SaltStack"),
    "vbs": ((), "VBScript"),
    "lsp": (_rules(("NewLisp", r"^\(context\b")), "Common Lisp"),
    "mat": (_rules(("Unity3D Asset", r"^%YAML")), "MATLAB"),
    "nl": ((), "NL"),
    "env": ((), "Configuration"),
    "lock": ((), "Configuration"),
    "log": ((), "Text"),
    "out": ((), "Text"),
    "x": (_rules(("RPC", r"^\s*(?:program|struct|typedef|union|const)\b"), ("Logos", r"^%(?:hook|group|end)\b")), "Linker Script"),
    "ld": ((), "Linker Script"),
    "m4": (_rules(("M4Sugar", r"\b(?:AC|AM|AS|AU|m4)_[A-Z]\w+|^AC_DEFUN")), "M4"),
    **{str(section): (_rules(("Roff", r"^[.'](?:\\\"|TH\b|Dd\b|SH\b|so\b)")), "Text") for section in range(1, 10)},
}  # fmt: skip
"""Extension that several languages share → marks in order, the first that is there decides; and the language without any."""

ABOVE = frozenset({"in", "tmpl", "template", "tpl", "dist", "sample", "example", "default", "orig", "bak"})
"""Extensions of templates and copies: the one before them says the language, where there is one."""

DATA = ("CSV", "JSON", "SVG", "TSV", "XML")
"""Languages of data, not of programs; half of the bytes of The Stack."""

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(
        ("AsciiDoc", "Markdown", "MediaWiki", "Org", "Pod", "RDoc", "RMarkdown", "Roff", "Texinfo", "Textile", "reStructuredText"), "prose"
    ),
    **dict.fromkeys(("BibTeX", "CSV", "Gettext Catalog", "JSON", "TSV"), "catalogue"),
    "TeX": "maths",
}  # fmt: skip
"""Kind of what is no code. Of plain text the lines decide among prose, maths, catalogue and licence."""

PYGMENTS = {
    "Bash": "Shell", "Docker": "Dockerfile", "FSharp": "F#", "Matlab": "MATLAB", "verilog": "Verilog", "systemverilog": "SystemVerilog",
    "vhdl": "VHDL", "Text only": "Text", "VB.net": "Visual Basic .NET", "Groff": "Roff", "GAS": "Assembly", "NASM": "Assembly",
    "EmacsLisp": "Emacs Lisp", "ANTLR With Java Target": "ANTLR", "S": "R", "Properties": "Java Properties", "Rocq Prover": "Rocq Prover",
    "Transact-SQL": "TSQL", "SQL+Jinja": "SQL", "Perl6": "Raku", "VimL": "Vim Script", "Restructuredtext": "reStructuredText",
}  # fmt: skip
"""Pygments' names that linguist spells otherwise."""

INTERPRETERS = {
    "python": "Python", "shell": "Shell", "perl": "Perl", "ruby": "Ruby", "javascript": "JavaScript", "php": "PHP", "lua": "Lua",
    "tcl": "Tcl", "r": "R", "awk": "Awk", "groovy": "Groovy", "julia": "Julia", "scala": "Scala", "haskell": "Haskell", "make": "Makefile",
    "fish": "Fish", "nix": "Nix", "swift": "Swift", "erlang": "Erlang", "elixir": "Elixir", "powershell": "PowerShell", "ocaml": "OCaml",
    "racket": "Racket", "scheme": "Scheme", "clojure": "Clojure", "crystal": "Crystal", "kotlin": "Kotlin", "dart": "Dart", "csh": "Tcsh",
    "tcsh": "Tcsh", "ts": "TypeScript", "deno": "TypeScript", "expect": "Tcl", "nim": "Nim", "sed": "sed",
}  # fmt: skip
"""Tags of `identify`'s interpreters → language."""
