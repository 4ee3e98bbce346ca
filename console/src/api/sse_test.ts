import { describe, expect, it } from 'vitest';
import { ServerSentEventParser, type ServerSentEvent } from './sse';

const STREAM =
  'retry: 1000\n\nid: 202\nevent: UsageReported\ndata: {"position":"202"}\n\n: still here\n\n' +
  'id: 203\r\nevent: RunStateChanged\r\ndata: first\r\ndata:second 中文\r\n\r\nid: 204\rdata: third\r\r';

const EXPECTED: ServerSentEvent[] = [
  { id: '202', event: 'UsageReported', data: '{"position":"202"}' },
  { id: '203', event: 'RunStateChanged', data: 'first\nsecond 中文' },
  { id: '204', event: 'message', data: 'third' },
];

function parse(chunks: string[]): ServerSentEvent[] {
  const parser = new ServerSentEventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

describe('ServerSentEventParser', () => {
  it('reads a stream in one chunk', () => expect(parse([STREAM])).toEqual(EXPECTED));

  it('reads it character by character', () => expect(parse([...STREAM])).toEqual(EXPECTED));

  it('reads it cut in two at every place', () => {
    for (let at = 0; at <= STREAM.length; at += 1) {
      expect(parse([STREAM.slice(0, at), STREAM.slice(at)]), `cut at ${at}`).toEqual(EXPECTED);
    }
  });

  it('keeps the last identifier for events that have none', () =>
    expect(parse(['id: 7\ndata: a\n\ndata: b\n\n']).map((event) => event.id)).toEqual(['7', '7']));

  it('takes the reconnection time, and none that is not a number', () => {
    const parser = new ServerSentEventParser();
    parser.push('retry: 2500\nretry: soon\n');
    expect(parser.retryMs).toBe(2500);
  });

  it('skips a byte order mark, comments and events without data', () =>
    expect(parse(['\uFEFFdata: a\n\n:comment\nevent: none\n\n'])).toEqual([{ id: '', event: 'message', data: 'a' }]));

  it('does not give an event that the end of the stream cut off', () => expect(parse(['data: half'])).toEqual([]));
});
