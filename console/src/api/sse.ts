// One server-sent event as the HTML standard dispatches it (section 9.2.6), or the reconnection time alone.
export interface ServerSentEvent {
  id: string;
  event: string;
  data: string;
}

// No event of the brain is near it; more than that without an end of line is not this protocol.
const BUFFERED_MAX = 32 * 1024 * 1024;

// Takes decoded text in chunks that may end anywhere, also between the two characters of a line's end.
export class ServerSentEventParser {
  private buffer = '';
  private started = false;
  private skipLineFeed = false;
  private data: string[] = [];
  private event = '';
  private id = '';
  retryMs: number | undefined;

  push(chunk: string): ServerSentEvent[] {
    const out: ServerSentEvent[] = [];
    let text = this.buffer + chunk;
    if (!this.started && text.length > 0) {
      this.started = true;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    let from = 0;
    if (this.skipLineFeed && text.length > 0) {
      this.skipLineFeed = false;
      if (text[0] === '\n') from = 1;
    }
    for (let at = from; at < text.length; at += 1) {
      const character = text[at];
      if (character !== '\n' && character !== '\r') continue;
      this.line(text.slice(from, at), out);
      if (character === '\r') {
        if (at + 1 === text.length) this.skipLineFeed = true;
        else if (text[at + 1] === '\n') at += 1;
      }
      from = at + 1;
    }
    this.buffer = text.slice(from);
    if (this.buffer.length > BUFFERED_MAX) throw new Error('a line of the event stream has no end');
    return out;
  }

  private line(line: string, out: ServerSentEvent[]): void {
    if (line === '') {
      if (this.data.length > 0) out.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
      this.data = [];
      this.event = '';
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id') {
      if (!value.includes('\0')) this.id = value;
    } else if (field === 'retry' && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
  }
}
