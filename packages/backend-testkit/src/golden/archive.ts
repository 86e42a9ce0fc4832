/**
 * Many files of cases as one text: a line per file, its name, a tab, its JSON. The JSON stays as it was written, since
 * Python's `2.0` and `2` differ.
 */
export function packFiles(files: ReadonlyMap<string, string>): string {
  const lines = [...files].map(([name, json]) => {
    if (/[\t\n]/.test(name) || json.includes('\n')) throw new SyntaxError(`${name} does not fit on one line`);
    return `${name}\t${json}\n`;
  });
  return lines.join('');
}

export function unpackFiles(text: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) files.set(line.slice(0, tab), line.slice(tab + 1));
  }
  return files;
}

/** The names in a list of files, one a line, with or without `.json`; `#` begins a comment. */
export function readList(text: string): string[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/#.*/, '')
        .trim()
        .replace(/\.json$/, ''),
    )
    .filter((name) => name !== '');
}
