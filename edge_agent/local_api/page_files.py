"""Files of the touch page: read from the package at each request, because memory is scarcer.

A fixed table, so no path of a request ever reaches the disk. All of the page comes from here: the
policy below lets it load nothing else, run no inline script and be framed by nobody.
"""

from importlib import resources

PAGE_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page/page.css": ("page.css", "text/css; charset=utf-8"),
    **{
        f"/page/{name}": (name, "text/javascript; charset=utf-8")
        for name in ("texts.js", "app.js", "widgets.js", "shop.js", "service.js", "main.js")
    },
}
HEADERS = {
    # After an update of the agent the screen must not mix old files with new ones.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def page_file(path: str) -> tuple[bytes, str] | None:
    """Content and media type of one path of the page; None for any other path."""
    found = PAGE_FILES.get(path)
    if found is None:
        return None
    name, media = found
    return resources.files("edge_agent.local_api").joinpath("page", name).read_bytes(), media
