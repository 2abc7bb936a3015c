"""`digits doctor`: whether everything is in order here."""

from typing import TYPE_CHECKING

import typer

from digits.core.errors import printable

if TYPE_CHECKING:
    from rich.table import Table

    from digits.verification.doctor import Finding


def doctor() -> None:
    """Say what is installed, on which hardware, and whether everything is in order.

    The exit status is 1 if something is not.
    """
    from rich.console import Console

    from digits.verification import doctor

    findings = doctor.examine()
    Console().print(_findings(findings))
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _findings(findings: "list[Finding]") -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.good else "[red]not ok[/red]"
        text = "\n".join(escape(printable(line)) for line in finding.text.split("\n"))
        table.add_row(mark, f"[bold]{finding.subject}[/bold]", text)
    return table
