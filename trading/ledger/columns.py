"""Plain tables for a terminal: words to the left, figures to the right."""

from collections.abc import Collection, Sequence


def columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, words: Collection[str]
) -> list[str]:
    """Return the lines of a table; `words` names the columns that do not hold figures."""
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]

    def cell(place: int, text: str) -> str:
        width = widths[place]
        return text.ljust(width) if header[place] in words else text.rjust(width)

    return [
        "  ".join(cell(place, one) for place, one in enumerate(line)).rstrip() for line in lines
    ]
