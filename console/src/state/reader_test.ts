import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../api/client';
import { Problem } from '../api/problem';
import { Domain } from './domain';
import { Reader } from './reader';
import type { Reading } from './reducer';

const site = (name: string): Reading => ({ kind: 'site', name });
const row = (name: string) => ({ metadata: { name } });

// A brain that answers as `answer` says, and remembers what it was asked and when.
function reading(answer: (path: string) => unknown = () => undefined) {
  const domain = new Domain((flush) => flush());
  const asked: string[] = [];
  const times: number[] = [];
  const began = performance.now();
  const ask = async (path: string) => {
    asked.push(path);
    times.push(Math.round(performance.now() - began));
    const said = await answer(path);
    if (said instanceof Error) throw said;
    return said;
  };
  const client = {
    get: async (kind: string, name: string) => (await ask(`${kind}/${name}`)) ?? row(name),
    all: async (kind: string) => (await ask(kind)) ?? [row('of a list')],
  } as unknown as Client;
  return { reader: new Reader(client, domain), domain, asked, times };
}

const unreachable = () => new Problem('unreachable', 'no way');

describe('Reader', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('reads once what many events name', async () => {
    const { reader, domain, asked } = reading();
    for (let i = 0; i < 50; i += 1) reader.want([site('a'), site('b')]);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toEqual(['site/a', 'site/b']);
    expect(domain.sites.get('a')).toEqual(row('a'));
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(300);
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toEqual(['site/a', 'site/b', 'site/a']);
  });

  it('reads what was named now before what it has put off', async () => {
    const { reader, times } = reading();
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(200);
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(400);
    reader.want([site('b')]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times).toEqual([120, 720, 1120]);
  });

  it('asks for three at a time', async () => {
    const answers: (() => void)[] = [];
    const { reader, asked } = reading(() => new Promise<void>((done) => answers.push(done)));
    reader.want(['a', 'b', 'c', 'd', 'e'].map(site));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toHaveLength(3);
    answers[1]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['site/a', 'site/b', 'site/c', 'site/d']);
  });

  it('makes a list of 200', async () => {
    const { reader, domain, asked } = reading();
    reader.want(Array.from({ length: 199 }, (_, i) => site(`s${i}`)));
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toHaveLength(199);
    asked.length = 0;
    reader.want([...Array.from({ length: 200 }, (_, i) => site(`t${i}`)), { kind: 'link', name: 'l' }]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toEqual(['link/l', 'site']);
    expect(domain.sites.values()).toEqual([row('of a list')]);
  });

  it('tries again after a failure, with growing patience, and once for all events', async () => {
    let down = true;
    const { reader, domain, asked, times } = reading(() => (down ? unreachable() : undefined));
    reader.want([site('a')]);
    for (let second = 0; second < 100; second += 1) {
      reader.want([site('a')]);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(times).toEqual([120, 2120, 6120, 14_120, 30_120, 60_120, 90_120]);
    down = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(domain.sites.get('a')).toEqual(row('a'));
    expect(asked).toHaveLength(8);
    down = true;
    times.length = 0;
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(2500);
    expect(asked).toHaveLength(10);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(2000);
  });

  it('tries a list again too', async () => {
    let down = true;
    const { reader, domain, times } = reading(() => (down ? unreachable() : undefined));
    reader.want(Array.from({ length: 300 }, (_, i) => site(`s${i}`)));
    reader.want([{ kind: 'queues', name: '' }]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(times).toEqual([120, 120, 2120, 2120]);
    down = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times).toEqual([120, 120, 2120, 2120, 6120, 6120]);
    expect(domain.sites.values()).toEqual([row('of a list')]);
    expect(domain.queues.values()).toEqual([row('of a list')]);
  });

  it('leaves what the caller may not read until its next event', async () => {
    const { reader, asked } = reading(() => new Problem('denied', 'not yours', '', '', 403));
    reader.want([site('a'), { kind: 'plansOf', name: 'i', tenant: 't' }]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual(['site/a', 'plan']);
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual(['site/a', 'plan', 'site/a']);
  });

  it('takes away what is no longer there', async () => {
    const { reader, domain, asked } = reading(() => new Problem('not-found', 'gone', '', '', 404));
    domain.sites.put(row('a'));
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual(['site/a']);
    expect(domain.sites.size).toBe(0);
  });

  it('asks for nothing more once it is closed', async () => {
    let fail: () => void = () => undefined;
    const { reader, asked } = reading(() => new Promise((done) => (fail = () => done(unreachable()))));
    reader.want([site('a')]);
    await vi.advanceTimersByTimeAsync(200);
    reader.want([site('b')]);
    reader.close();
    fail();
    reader.want([site('c')]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked).toEqual(['site/a']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
