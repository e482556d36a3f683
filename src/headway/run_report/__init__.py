"""The report of a run, `report.html`: what is on the page, in order; how it looks is `report.page`'s matter."""
