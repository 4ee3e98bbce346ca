import type { AskResponse, IntentName, Wish } from '../../api/ask';
import type { Client } from '../../api/client';
import { asProblem, Problem } from '../../api/problem';

export interface Turn {
  text: string;
  unixSeconds: number;
  answer?: AskResponse;
  problem?: Problem;
}

const UTTERANCES_MAX = 32;  // of one question; what is said then begins anew

// One conversation of a session. The brain keeps nothing of it: each question brings all that was said, so that it goes on after the brain
// or the connection came back.
export class Dialogue {
  turns: readonly Turn[] = [];
  busy = false;
  private readonly listeners = new Set<() => void>();
  private past = 0;  // turns before something was applied: heard again they would be said of what is stored now
  private about: IntentName | undefined;

  constructor(private readonly client: Client) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  clear(): void {
    this.past = 0;
    this.about = undefined;
    this.set([], false);
  }

  // What is said next is about that intent; about none, where several were applied by one sentence.
  applied({ tenant, name }: IntentName): void {
    const answered = this.turns.filter((turn) => turn.answer !== undefined).length;
    const again = this.past === answered && this.about !== undefined && (this.about.name !== name || this.about.tenant !== tenant);
    this.past = answered;
    this.about = again ? undefined : { tenant, name };
  }

  // A sentence that could not be answered is no part of what was said; asking it again puts it in its place.
  async ask(text: string, tenant: string, name: string): Promise<void> {
    if (this.busy) return;
    const said = this.turns.filter((turn) => turn.answer !== undefined);
    if (said.length - this.past >= UTTERANCES_MAX) this.past = said.length;
    const turn: Turn = { text, unixSeconds: Math.floor(Date.now() / 1000) };
    this.set([...said, turn], true);
    try {
      const answer = await this.client.ask({
        dialogue: [...said.slice(this.past), turn].map((each) => ({ text: each.text, unixSeconds: each.unixSeconds })),
        ...(tenant === '' ? {} : { tenant }),
        ...(name === '' ? {} : { name }),
        ...(this.about === undefined ? {} : { about: this.about }),
        utcOffsetSeconds: -new Date().getTimezoneOffset() * 60,
      });
      const agreed = (answer.wishes ?? []).filter((wish) => wish.agreed === true);
      if (agreed.length > 0 && !sameIntents(agreed, offeredBy(said.slice(this.past)))) {
        this.past = said.length;
        throw new Problem('conflict', 'what was offered is otherwise now, for something has changed since: nothing was applied', 'the text', 'say again what is wanted');
      }
      this.set([...said, { ...turn, answer }], false);
    } catch (error) {
      this.set([...said, { ...turn, problem: asProblem(error) }], false);
    }
  }

  private set(turns: readonly Turn[], busy: boolean): void {
    this.turns = turns;
    this.busy = busy;
    for (const listener of this.listeners) listener();
  }
}

// What the newest answer that showed an intent offered.
function offeredBy(turns: readonly Turn[]): readonly Wish[] {
  for (const turn of [...turns].reverse()) {
    const offered = (turn.answer?.wishes ?? []).filter((wish) => wish.wanted === true && wish.intent !== undefined);
    if (offered.length > 0) return offered;
  }
  return [];
}

// The brain hears a dialogue anew in the domain of now: only what was seen is agreed to.
function sameIntents(a: readonly Wish[], b: readonly Wish[]): boolean {
  return JSON.stringify(a.map((wish) => wish.intent)) === JSON.stringify(b.map((wish) => wish.intent));
}

const dialogues = new WeakMap<Client, Dialogue>();

// It outlives the page and ends with the session.
export function dialogueOf(client: Client): Dialogue {
  let found = dialogues.get(client);
  if (found === undefined) {
    found = new Dialogue(client);
    dialogues.set(client, found);
  }
  return found;
}

export interface Piece {
  text: string;
  label?: string;
}

// The sentence in pieces, those that a field was understood from with its label. Places are bytes of UTF-8; what overlaps goes to the first.
export function pieces(text: string, fields: Wish['fields'] = []): Piece[] {
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const cut = (begin: number, end: number) => decoder.decode(bytes.subarray(begin, end));
  const out: Piece[] = [];
  let at = 0;
  const marked = fields.map((field) => ({ label: field.label, begin: field.begin ?? 0, end: field.end ?? 0 })).filter(({ begin, end }) => end > begin);
  for (const { label, begin, end } of marked.sort((a, b) => a.begin - b.begin || b.end - a.end)) {
    if (begin < at || end > bytes.length) continue;
    if (begin > at) out.push({ text: cut(at, begin) });
    out.push({ text: cut(begin, end), label });
    at = end;
  }
  if (at < bytes.length) out.push({ text: cut(at, bytes.length) });
  return out;
}
