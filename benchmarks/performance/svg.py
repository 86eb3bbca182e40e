"""Drawings as SVG, readable on light and on dark pages."""
import html

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.quiet { fill: #57606a; } .small { font-size: 11px; } .title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d0d7de; stroke-width: 1; } .axis { stroke: #57606a; stroke-width: 1; }
.aim { stroke: #57606a; stroke-width: 1.5; stroke-dasharray: 4 3; }
.met { fill: #2da44e; } .missed { fill: #d1242f; } .line { fill: none; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .quiet { fill: #9198a1; }
  .grid { stroke: #3d444d; } .axis, .aim { stroke: #9198a1; } .met { fill: #3fb950; } .missed { fill: #f85149; }
}
"""
COLOURS = ["#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#bab0ac"]


class Drawing:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [f"<title>{html.escape(title)}</title>", f"<style>{STYLE}</style>"]

    def text(self, x, y, text, classes="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{html.escape(text)}</text>')

    def line(self, x1, y1, x2, y2, classes):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}"/>')

    def box(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" fill="{colour}"/>')

    def dot(self, x, y, radius, classes, opacity=1.0):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{classes}" opacity="{opacity}"/>')

    def path(self, points, colour):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{joined}" class="line" stroke="{colour}"/>')

    def save(self, path):
        with open(path, "w") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
                       f'width="{self.width}" height="{self.height}" role="img">\n' + "\n".join(self.parts) + "\n</svg>\n")
