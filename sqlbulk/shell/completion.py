"""What Tab offers: keywords, functions, options, collections, and the shell's own commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from sqlbulk.options import settings
from sqlbulk.shell.words import keywords, open_option_block

_WORD = re.compile(r"[\w$]*\Z")
_TABLE_PLACE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN|TABLE|MOVE|TO|USING|DESCRIBE)\s+[\w$]*\Z", re.IGNORECASE)
_QUOTE_OPEN = re.compile(r"\A[^']*(?:'[^']*'[^']*)*'[^']*\Z")
_COMMAND = re.compile(r"\s*(\\\S*)(?:(\s+)(\S*))?\Z")


class StatementCompleter(Completer):
    """Completes by what stands before the word.

    `commands` are the backslash commands and their help, `arguments` gives what may stand behind one of
    them ('path' for a file), `collections` and `functions` are asked when they are needed.
    """

    def __init__(
        self, *, commands: Mapping[str, str], arguments: Callable[[str], Iterable[str] | str],
        collections: Callable[[], Iterable[str]], functions: Callable[[], Iterable[str]],
    ) -> None:
        self._commands, self._arguments = commands, arguments
        self._collections, self._functions = collections, functions
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """The completions of the word before the cursor."""
        text = document.text_before_cursor
        if text.lstrip().startswith("\\"):
            yield from self._command(text, complete_event)
        elif not _QUOTE_OPEN.match(text):
            word = _WORD.search(text)
            assert word is not None
            yield from self._statement(text, word[0], asked=complete_event.completion_requested)

    def _command(self, text: str, event: CompleteEvent) -> Iterator[Completion]:
        match = _COMMAND.match(text)
        if match is None:
            return
        if match[2] is None:
            for name, help_text in self._commands.items():
                if name.startswith(match[1]):
                    yield Completion(name, -len(match[1]), display_meta=help_text)
            return
        choices = self._arguments(match[1])
        if choices == "path":
            yield from self._paths.get_completions(Document(match[3]), event)
        else:
            yield from _matching([*choices], match[3], "")

    def _statement(self, text: str, word: str, *, asked: bool) -> Iterator[Completion]:
        if _TABLE_PLACE.search(text):
            yield from _matching(self._collections(), word, "collection")
            return
        if not word and not asked:
            return
        if open_option_block(text):
            for setting in settings().values():
                if setting.name.startswith(word.lower()):
                    yield Completion(setting.name, -len(word), display_meta=setting.help)
            return
        # A word typed in small letters goes on in small letters.
        change = str.lower if word and word.islower() else str.upper
        yield from _matching((change(name) for name in keywords()), word, "keyword")
        yield from _matching((change(name) for name in self._functions()), word, "function")
        if word:
            yield from _matching(self._collections(), word, "collection")


def _matching(names: Iterable[str], word: str, kind: str) -> Iterator[Completion]:
    for name in names:
        if name.lower().startswith(word.lower()):
            yield Completion(name, -len(word), display_meta=kind)
