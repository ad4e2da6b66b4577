"""Names that would be scripts if a page did not escape them, and a browser that tells whether one ran."""

import json
import re
import shutil
import subprocess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RUN = "document.documentElement.dataset.ran='yes'"
NAMES = (
    f"<script>{RUN}</script>",
    f"<img src=x onerror={RUN}>",
    f'"><svg onload={RUN}>',
    f"' onmouseover={RUN} '",
    f"</title></style></script><script>{RUN}</script>",
    "{{ 7 * 191 }}",
)
# added to a copy of the page: every fold is opened, every element touched, and what there is of ours is told
PROBE = """
<script>
addEventListener("load", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  for (const item of document.querySelectorAll("*"))
    for (const kind of ["mouseover", "focus", "click"]) item.dispatchEvent(new Event(kind, { bubbles: true }));
  const listens = [...document.querySelectorAll("*")].filter(item =>
    [...item.attributes].some(attribute => attribute.name.startsWith("on")));
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify({ ran: document.documentElement.dataset.ran || "no", listens: listens.length,
    scripts: document.scripts.length, text: document.body.innerText });
  document.body.append(told);
});
</script>
"""


def told(page, folder):
    """What a browser says of a page: whether a name ran as a script, and the text that it shows."""
    folder.mkdir()
    copy = folder / "page.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("<body>", f"<body>{PROBE}"), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    command = [CHROMIUM, *flags, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run([*command, copy.as_uri()], capture_output=True, text=True, timeout=240)
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
