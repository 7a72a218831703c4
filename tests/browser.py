"""A real browser without a screen: Chromium, driven over the W3C WebDriver protocol that chromedriver speaks."""

import base64
import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARROW_RIGHT, ARROW_LEFT, TAB, ENTER = "\ue014", "\ue012", "\ue004", "\ue007"
# (width, height) in CSS pixels.
DESKTOP, PHONE = (1280, 900), (390, 844)


def missing():
    """Name what is not installed for a browser; empty if all is."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


class Browser:
    """A window of Chromium with one page."""

    def __init__(self, port, session):
        self.root = f"http://127.0.0.1:{port}/session/{session}"

    def open(self, path):
        call("POST", f"{self.root}/url", {"url": path.resolve().as_uri()})

    def run(self, script, *arguments):
        """Run a function body in the page and return what it returns."""
        return call("POST", f"{self.root}/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        return call("POST", f"{self.root}/element", {"using": "css selector", "value": selector})[ELEMENT]

    def press(self, element, keys):
        call("POST", f"{self.root}/element/{element}/value", {"text": keys})

    def click(self, element):
        # Away from what sticks to the top of the page.
        self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: element})
        call("POST", f"{self.root}/element/{element}/click", {})

    def picture(self, element=None):
        """Return a PNG of an element, or of what is on the screen."""
        place = f"{self.root}/element/{element}/screenshot" if element else f"{self.root}/screenshot"
        return base64.b64decode(call("GET", place))

    def devtools(self, command, **parameters):
        return call("POST", f"{self.root}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def prefers(self, scheme):
        """Ask for light or dark pages, as the settings of a phone do."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def console(self):
        """Return what the page has complained about since the last call."""
        return [entry["message"] for entry in call("POST", f"{self.root}/se/log", {"type": "browser"})]

    def requests(self):
        """Return the addresses that were asked for since the last call, but for those that hold their own content."""
        events = [json.loads(entry["message"])["message"] for entry in
                  call("POST", f"{self.root}/se/log", {"type": "performance"})]  # fmt: skip
        asked = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith("data:")]


@contextlib.contextmanager
def browsing(size, folder):
    """Open a window of that size, as that of a phone if it is narrow, with a profile of its own in `folder`."""
    width, height = size
    # Beside a network that may not be used, Chromium asks for updates of its own.
    flags = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking",
             f"--user-data-dir={folder}", f"--window-size={width},{height}"]  # fmt: skip
    options: dict[str, Any] = {"args": flags, "binary": shutil.which("chromium")}
    if width < 600:
        metrics = {"width": width, "height": height, "pixelRatio": 2, "touch": True}
        options["mobileEmulation"] = {"deviceMetrics": metrics}
    wanted = {
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    with subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as driver:
        try:
            port = next(
                line.rsplit(" ", 1)[1].strip(". \n") for line in driver.stdout if "started successfully on" in line
            )
            made = call("POST", f"http://127.0.0.1:{port}/session", {"capabilities": {"alwaysMatch": wanted}})
            browser = Browser(port, made["sessionId"])
            try:
                # Away from the browser's own page, and what that has loaded.
                call("POST", f"{browser.root}/url", {"url": "about:blank"})
                browser.console(), browser.requests()
                yield browser
            finally:
                call("DELETE", browser.root)
        finally:
            driver.terminate()


def call(method, url, content=None):
    """Make a call of the protocol and return its value."""
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        raise AssertionError(json.load(error)["value"]["message"]) from error
