import type { AskedIntent, AskResponse, IntentName, RecordDialogueRequest, Wish } from '../../api/ask';
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
  unrecorded: Problem | undefined;  // why the last that ended was not written down
  private readonly listeners = new Set<() => void>();
  private past = 0;  // turns before something was applied: heard again they would be said of what is stored now
  private about: IntentName | undefined;
  private open: readonly Wish[] = [];  // on offer, and neither taken nor declined

  constructor(private readonly client: Client) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  clear(): void {
    this.record('left', this.open, this.turns);
    this.past = 0;
    this.about = undefined;
    this.set([], false);
  }

  // Something that an answer offered was applied.
  taken(intent: AskedIntent): void {
    const wanted = JSON.stringify(intent);
    const offers = (wish: Wish) => wish.agreed !== true && [wish.intent, ...(wish.strategies ?? []).map((one) => one.intent)].some((one) => JSON.stringify(one) === wanted);
    let at = this.turns.length - 1;
    while (at >= 0 && this.turns[at]?.answer?.wishes?.some(offers) !== true) at -= 1;
    const wish = this.turns[at]?.answer?.wishes?.find(offers);
    if (wish !== undefined) this.record('taken', [wish], this.turns.slice(0, at + 1), intent);
  }

  // Writes down how it ended, for what is asked later; that it could not be is shown, and nothing more.
  private record(end: RecordDialogueRequest['end'], wishes: readonly Wish[], turns: readonly Turn[], intent?: AskedIntent): void {
    const planned = wishes.filter((wish) => wish.intent !== undefined && wish.outcome !== undefined);
    this.open = this.open.filter((wish) => !wishes.includes(wish));
    const tenant = planned[0]?.intent?.metadata.tenant;
    const answered = turns.filter((turn) => turn.answer !== undefined);
    if (tenant === undefined || answered.length === 0) return;
    const same = (one: AskedIntent) => intent !== undefined && JSON.stringify(one) === JSON.stringify(intent);
    const outcomes = planned.map((wish) => {
      const taken = wish.strategies?.find((one) => same(one.intent))?.kind;
      return {
        intent: intent ?? (wish.intent as AskedIntent),
        ...(wish.work === undefined ? {} : { work: wish.work }),
        offered: (wish.strategies ?? []).map((one) => one.kind),
        ...(taken === undefined ? {} : { taken }),
      };
    });
    const fresh = answered.slice(this.past);  // none: of an offer from before something else was applied
    const said = (fresh.length > 0 ? fresh : answered).slice(-UTTERANCES_MAX).map((turn) => turn.text);
    this.client.recordDialogue({ tenant, said, language: answered.at(-1)?.answer?.language ?? 'en', end, outcomes }).then(
      () => this.noted(undefined),
      (error: unknown) => this.noted(asProblem(error)),
    );
  }

  private noted(problem: Problem | undefined): void {
    if (this.unrecorded === problem) return;
    this.unrecorded = problem;
    for (const listener of this.listeners) listener();
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
      const wishes = answer.wishes ?? [];
      const offered = wishes.filter((wish) => wish.wanted === true && wish.intent !== undefined && wish.agreed !== true);
      if (wishes.some((wish) => wish.act === 'decline' || (wish.act === 'cancel' && wish.withdrawals === undefined))) {
        this.record('declined', this.open, [...said, { ...turn, answer }]);
      }
      if (offered.length > 0) this.open = offered;
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
