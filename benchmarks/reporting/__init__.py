"""Reports: what was measured as one document, and its renderings as a page, Markdown, pictures."""
