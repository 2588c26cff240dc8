"""Hook of mkdocs: links from the guide to files beside docs/ work on the site as they do on a disk.

A page says `[...](../benchmarks/RESULTS.md)`. The site gets that file below `repository/`: Markdown
as a page, anything else as it is; a folder has no page, so its name stays without a link. A link to
what does not exist stays as it was, and `mkdocs build --strict` fails on it. The same for a page
that would fetch something from elsewhere.
"""

from __future__ import annotations

import re
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
BELOW = "repository"
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)[^>]* src="?(?:https?:)?//[^> ]+"""
    r"""|<link[^>]* rel="?(?:stylesheet|preconnect|preload)"?[^>]*//[^> ]+"""
)
_NAMED_LINK = re.compile(r"\[([^\]\[]+)\]\((?!https?:|mailto:|#)([^)#\s]+)\)")
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what pages link to outside docs/, and what that links to."""
    waiting = [one.src_uri for one in files.documentation_pages()]
    while waiting:
        for target in _outside(waiting.pop()):
            uri = f"{BELOW}/{target}"
            if files.get_file_from_path(uri):
                continue
            added = File.generated(config, uri, abs_src_path=str(ROOT / target))
            added.inclusion = InclusionLevel.NOT_IN_NAV
            files.append(added)
            if added.is_documentation_page():
                waiting.append(uri)
    return files


def on_page_markdown(
    markdown: str,
    page: Page,
    config: MkDocsConfig,  # noqa: ARG001 - mkdocs calls it by name
    files: Files,  # noqa: ARG001 - the same
) -> str:
    """Return the page with its links as the site has them."""
    here = page.file.src_uri

    def linked(found: re.Match[str]) -> str:
        target = _target(here, found[1])
        if target is None:
            return found[1]
        return relpath(_uri(target), str(PurePosixPath(here).parent))

    def named(found: re.Match[str]) -> str:
        return found[1] if (ROOT / _path(here, found[2])).is_dir() else found[0]

    return _LINK.sub(linked, _NAMED_LINK.sub(named, markdown))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:  # noqa: ARG001 - the same
    """Refuse a page that makes a reader's browser ask another host.

    Raises:
        PluginError: it does; the message has the tag.
    """
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {found[0]}")
    return output


def _outside(uri: str) -> list[str]:
    """Return the files beside docs/ that a page links to."""
    text = (ROOT / _in_repository(uri)).read_text(encoding="utf-8")
    targets = [_target(uri, link) for link in _LINK.findall(text)]
    return [one for one in targets if one and not one.startswith("docs/")]


def _target(uri: str, link: str) -> str | None:
    """Return the repository's file that a page's link names; None: there is none."""
    path = _path(uri, link)
    return path if not path.startswith("..") and (ROOT / path).is_file() else None


def _path(uri: str, link: str) -> str:
    """Return where a page's link leads, from the repository's root."""
    return normpath(str(PurePosixPath(_in_repository(uri)).parent / link))


def _in_repository(uri: str) -> str:
    return uri.removeprefix(f"{BELOW}/") if uri.startswith(f"{BELOW}/") else f"docs/{uri}"


def _uri(target: str) -> str:
    return target.removeprefix("docs/") if target.startswith("docs/") else f"{BELOW}/{target}"
