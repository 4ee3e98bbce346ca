import { describe, expect, it } from 'vitest';
import type { AskRequest, AskResponse, RecordDialogueRequest, Strategy, Wish } from '../../api/ask';
import { Client } from '../../api/client';
import { Problem } from '../../api/problem';
import { Dialogue, pieces } from './dialogue';

describe('pieces', () => {
  it('cuts between characters of several bytes', () => {
    const text = '12路视频，500毫秒';
    const bytes = new TextEncoder().encode(text);
    const begin = new TextEncoder().encode('12路视频，').length;
    expect(pieces(text, [{ field: 'latency', label: '时延', begin, end: bytes.length }, { field: 'streams', label: '路数', begin: 0, end: 5 }])).toEqual([
      { text: '12路', label: '路数' }, { text: '视频，' }, { text: '500毫秒', label: '时延' },
    ]);
  });
  it('leaves out what overlaps, is empty or lies outside', () => {
    expect(pieces('abc', [{ field: 'a', label: 'a', begin: 0, end: 2 }, { field: 'b', label: 'b', begin: 1, end: 3 }, { field: 'c', label: 'c' }, { field: 'd', label: 'd', begin: 2, end: 9 }]))
      .toEqual([{ text: 'ab', label: 'a' }, { text: 'c' }]);
    expect(pieces('')).toEqual([]);
  });
});

class Answering extends Client {
  readonly asked: AskRequest[] = [];
  readonly recorded: RecordDialogueRequest[] = [];
  failure: Problem | undefined;
  refusal: Problem | undefined;  // to write down how a dialogue ended
  wishes: Wish[] = [];

  constructor() {
    super('none');
  }

  override ask(request: AskRequest): Promise<AskResponse> {
    this.asked.push(request);
    return this.failure === undefined ? Promise.resolve({ language: 'en', wishes: this.wishes }) : Promise.reject(this.failure);
  }

  override recordDialogue(request: RecordDialogueRequest): Promise<unknown> {
    this.recorded.push(request);
    return this.refusal === undefined ? Promise.resolve({}) : Promise.reject(this.refusal);
  }
}

describe('Dialogue', () => {
  it('brings all that was said, and what failed only once it is asked again', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    await dialogue.ask('first', 'city', '');
    client.failure = new Problem('unavailable', 'the brain begins');
    await dialogue.ask('second', 'city', '');
    expect(dialogue.turns.map((turn) => turn.problem?.what)).toEqual([undefined, 'the brain begins']);
    client.failure = undefined;
    await dialogue.ask('second', 'city', '');
    expect(client.asked[2]?.dialogue.map((said) => said.text)).toEqual(['first', 'second']);
    expect(dialogue.turns.every((turn) => turn.answer !== undefined)).toBe(true);
    dialogue.clear();
    expect(dialogue.turns).toEqual([]);
  });
  it('begins anew with what was applied, and shows what was said before', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    await dialogue.ask('first', 'city', '');
    const done = { tenant: 'city', name: 'cameras', action: 'created' };
    dialogue.applied(done);
    await dialogue.ask('second', 'city', '');
    await dialogue.ask('third', 'city', '');
    expect(client.asked[2]?.dialogue.map((said) => said.text)).toEqual(['second', 'third']);
    expect(client.asked[2]?.about).toEqual({ tenant: 'city', name: 'cameras' });
    expect(dialogue.turns.map((turn) => turn.text)).toEqual(['first', 'second', 'third']);
    dialogue.applied({ tenant: 'city', name: 'cameras' });
    dialogue.applied({ tenant: 'city', name: 'doors' });
    await dialogue.ask('fourth', 'city', '');
    expect(client.asked[3]?.about, 'of two it is not said which').toBeUndefined();
    dialogue.clear();
    await dialogue.ask('fifth', 'city', '');
    expect(client.asked[4]?.dialogue).toHaveLength(1);
  });
  it('applies by a yes what was shown, and nothing that has become of it since', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    const wish = (name: string, rest: Partial<Wish>): Wish => ({ act: 'request', wanted: true, intent: { metadata: { name } }, ...rest });
    client.wishes = [wish('cameras', {})];
    await dialogue.ask('cameras', 'city', '');
    client.wishes = [wish('cameras', { agreed: true })];
    await dialogue.ask('yes', 'city', '');
    expect(dialogue.turns.at(-1)?.problem).toBeUndefined();
    client.wishes = [wish('doors', {})];
    await dialogue.ask('doors', 'city', '');
    client.wishes = [wish('doors-2', { agreed: true })];
    await dialogue.ask('yes', 'city', '');
    expect(dialogue.turns.at(-1)?.problem?.code).toBe('conflict');
    expect(dialogue.turns.at(-1)?.answer).toBeUndefined();
  });
  it('counts only what was answered as past, and begins anew when it has become too long', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    await dialogue.ask('A', 'city', '');
    client.failure = new Problem('unavailable', 'the brain begins');
    await dialogue.ask('B', 'city', '');
    dialogue.applied({ tenant: 'city', name: 'a' });
    client.failure = undefined;
    await dialogue.ask('C', 'city', '');
    await dialogue.ask('D', 'city', '');
    expect(client.asked.at(-1)?.dialogue.map((said) => said.text)).toEqual(['C', 'D']);
    for (let i = 3; i <= 33; i += 1) await dialogue.ask(`${i}`, 'city', '');
    expect(client.asked.at(-2)?.dialogue).toHaveLength(32);
    expect(client.asked.at(-1)?.dialogue.map((said) => said.text)).toEqual(['33']);
  });

  const strategy = (kind: string): Strategy => ({ kind, title: kind, intent: { metadata: { name: 'cameras', tenant: 'city' }, spec: kind }, estimate: {} });
  const planned: Wish = { act: 'request', wanted: true, intent: strategy('asked').intent, work: 'detection', outcome: {}, strategies: [strategy('asked'), strategy('fastest')] };

  const { outcome: _, ...wishless } = planned;

  it('writes down what was taken, declined or left, once', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    client.wishes = [planned];
    await dialogue.ask('cameras', 'city', '');
    await dialogue.ask('within 300 ms', 'city', '');
    dialogue.taken({ ...strategy('fastest').intent });
    dialogue.applied({ tenant: 'city', name: 'cameras' });
    expect(client.recorded).toEqual([{
      tenant: 'city', said: ['cameras', 'within 300 ms'], language: 'en', end: 'taken',
      outcomes: [{ intent: strategy('fastest').intent, work: 'detection', offered: ['asked', 'fastest'], taken: 'fastest' }],
    }]);
    dialogue.clear();
    expect(client.recorded).toHaveLength(1);
    await dialogue.ask('cameras', 'city', '');
    client.wishes = [{ act: 'decline' }];
    await dialogue.ask('no', 'city', '');
    client.wishes = [planned];
    await dialogue.ask('cameras', 'city', '');
    dialogue.clear();
    expect(client.recorded.map((one) => one.end)).toEqual(['taken', 'declined', 'left']);
    expect(client.recorded[1]?.said).toEqual(['cameras', 'no']);
  });
  it('writes nothing down of what was not planned, and says what was refused', async () => {
    const client = new Answering();
    const dialogue = new Dialogue(client);
    client.wishes = [wishless];
    await dialogue.ask('cameras', '', '');
    dialogue.clear();
    expect(client.recorded).toEqual([]);
    client.wishes = [planned];
    client.refusal = new Problem('exhausted', '60 were recorded in this hour');
    await dialogue.ask('cameras', 'city', '');
    await new Promise<void>((told) => {
      dialogue.subscribe(() => { if (dialogue.unrecorded !== undefined) told(); });
      dialogue.taken(strategy('asked').intent);
    });
    expect(dialogue.unrecorded?.code).toBe('exhausted');
  });
});
