import { hasLoneSurrogate, quoted, refusal } from './format.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const ZERO = 48;
const NINE = 57;

/**
 * Reads JSON as far as a header needs it: objects with keys that differ, strings, and lists of whole numbers. Every
 * departure is refused with its place. Does not recurse, so that no nesting can exhaust the stack.
 */
export class Scanner {
  private readonly text: string;
  private readonly label: string;
  private at = 0;

  constructor(text: string, label: string) {
    this.text = text;
    this.label = label;
  }

  /** Calls `member` at the value of each key of an object. @throws {CheckpointError} a key stands there twice. */
  object(what: string, member: (key: string) => void): void {
    this.expect('{', what);
    const seen = new Set<string>();
    if (this.accept('}')) return;
    do {
      const key = this.string(`a name in ${what}`);
      if (seen.has(key)) throw this.fail(`${what} names ${quoted(key)} twice`);
      seen.add(key);
      this.expect(':', `${what}, after ${quoted(key)}`);
      member(key);
    } while (this.accept(','));
    this.expect('}', `the end of ${what}`);
  }

  /** A list of whole numbers, 0 or more. */
  integers(what: string): number[] {
    this.expect('[', what);
    const values: number[] = [];
    if (this.accept(']')) return values;
    do values.push(this.integer(what));
    while (this.accept(','));
    this.expect(']', `the end of ${what}`);
    return values;
  }

  string(what: string): string {
    this.skipSpace();
    const start = this.at;
    if (this.text.charCodeAt(start) !== QUOTE) throw this.unexpected(what);
    let end = start + 1;
    while (end < this.text.length && this.text.charCodeAt(end) !== QUOTE)
      end += this.text.charCodeAt(end) === BACKSLASH ? 2 : 1;
    this.at = end + 1;
    let value: string;
    try {
      value = JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      this.at = start;
      throw this.fail(`${what} is no valid string`);
    }
    if (hasLoneSurrogate(value)) throw this.fail(`${what} is no valid Unicode`);
    return value;
  }

  /** Only spaces may follow. */
  end(): void {
    this.skipSpace();
    if (this.at < this.text.length) throw this.unexpected('the end of the header');
  }

  private integer(what: string): number {
    this.skipSpace();
    const start = this.at;
    while (this.text.charCodeAt(this.at) >= ZERO && this.text.charCodeAt(this.at) <= NINE) this.at++;
    const digits = this.at - start;
    const value = digits > 0 && digits < 20 ? Number(this.text.slice(start, this.at)) : Number.NaN;
    const follows = this.text[this.at] ?? '';
    const plain = !(digits > 1 && this.text.charCodeAt(start) === ZERO) && !'.eE'.includes(follows || ' ');
    if (plain && Number.isSafeInteger(value)) return value;
    this.at = start;
    throw this.fail(`${what} must hold whole numbers of 0 or more below 2^53`);
  }

  private accept(character: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string, what: string): void {
    if (!this.accept(character)) throw this.unexpected(what);
  }

  private skipSpace(): void {
    while (this.at < this.text.length && ' \n\r\t'.includes(this.text[this.at]!)) this.at++;
  }

  private unexpected(what: string) {
    const found = this.at < this.text.length ? JSON.stringify(this.text[this.at]) : 'the end';
    return this.fail(`${what} expected, found ${found}`);
  }

  fail(what: string) {
    return refusal(this.label, `the header is damaged at character ${this.at}: ${what}`, { at: this.at });
  }
}
