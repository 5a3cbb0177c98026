"""List names of texts and models that are malicious or cause trouble by accident."""

NAMES = [
    "../../etc/passwd", "..", ".", "/etc/passwd", "..\\..\\windows", "C:\\x", "\\\\server\\share", "~root", "a/b",
    "%2e%2e%2f",
    "nul\0byte", "two\nlines", "carriage\rreturn", "tab\tbed", "\x1b[2J\x1b]0;title\x07", "\x9b31m", "bell\x07", "\x7f",
    "\u202egnp.exe", "\u2066isolate", "\u2028line", "\u200b", "\ufeffmark", "\ud800", "e\u0301",
    "🦆👩‍👩‍👧", "مرحبا", "Ａ",
    "CON", "nul.txt", "LPT1", "trailing dot.", "trailing blank ", " ", "", "-rf", "--help", ".hidden",
    "<img src=x onerror=alert(1)>", "</script><script>x", "'; DROP TABLE model; --",
    '"quoted"', "`id` $(id) $HOME", "{0.__class__}",
    "%s%n", "{{7*7}}", "x" * 300, "€" * 200,
]  # fmt: skip
