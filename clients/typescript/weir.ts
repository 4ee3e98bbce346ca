// A client of Weir's REST API in one file beside its types (schema.ts), without dependencies, for browsers and Node.js 18 or later.
//
//   import { Client } from './weir.js';
//
//   const brain = new Client({ url: 'https://brain.example.org:7480', token });
//   await brain.apply(yaml, { dryRun: true });
//   await brain.wait('intent', 'cameras', 'running', { tenant: 'city' });
//   for await (const site of brain.list('site')) console.log(site.metadata?.name, site.status?.state);
//   for await (const event of brain.events({ names: ['PlanCommitted'], tail: true })) console.log(event.position, event.text);
//
// Answers are the API's JSON: numbers of 64 bits are text, bytes are base64, and what has its default is left out. Every failure is a
// Problem with the brain's own words. A browser has to trust the brain's certificate; in Node.js node.ts knows the brain by its authority.

import type {
  AddWebhookResponse, ApplyResponse, AskRequest, AskResponse, Bill, BillResponse, EventView, ExplainResponse, IssueTokenResponse, LedgerHeadResponse,
  LedgerProofResponse, ListResponse, ListWebhooksResponse, LogsResponse, Resource,
} from './schema.js';

export type * from './schema.js';

/** As commands and paths spell it: "site", "intent", … */
export type Kind = keyof Resource & string;
export type Of<K extends Kind> = NonNullable<Resource[K]>;
/** A position, a size or a time: of 64 bits, so also as text. */
export type Int64 = string | number | bigint;

const ANSWER_BYTES_MAX = 64 << 20;
const LINE_CHARACTERS_MAX = 4 << 20;
const SILENCE_MS_MAX = 45_000;  // of a stream: the brain says something every 15 s
const PAUSE_MS_FIRST = 100;
const PAUSE_MS_MAX = 2_000;

/** What was refused or failed; `code` as docs/reference/api.md lists it, and the HTTP status, or 0. */
export class Problem extends Error {
  /** Seconds, where the brain said that asking again then will do. */
  retryAfter: number | undefined;
  constructor(
    readonly code: string,
    readonly what: string,
    readonly where = '',
    readonly remedy = '',
    readonly status = 0,
  ) {
    super([where, what].filter((part) => part !== '').join(': ') + (remedy === '' ? '' : ` (${remedy})`));
    this.name = new.target.name;
  }
}
export class Invalid extends Problem {}
export class NotFound extends Problem {}
export class Conflict extends Problem {}
export class Denied extends Problem {}
export class Infeasible extends Problem {}
export class Exhausted extends Problem {}
/** The brain does not answer, or cannot now. Was tried again for `retryForMs` where that is safe. */
export class Unavailable extends Problem {}
export class Unsupported extends Problem {}
export class Corrupt extends Problem {}
export class Internal extends Problem {}
/** What was waited for did not happen in time; `resource` is how it stands. */
export class TimedOut extends Problem {
  resource: unknown;
}
/** What was waited for will not happen unless somebody changes something; `resource` is how it stands. */
export class NotReached extends Problem {
  resource: unknown;
}

type ProblemClass = new (code: string, what: string, where?: string, remedy?: string, status?: number) => Problem;
const PROBLEMS: Record<string, ProblemClass> = {
  'invalid': Invalid, 'not-found': NotFound, 'conflict': Conflict, 'denied': Denied, 'infeasible': Infeasible, 'exhausted': Exhausted,
  'unavailable': Unavailable, 'unsupported': Unsupported, 'corrupt': Corrupt, 'internal': Internal,
};

// What a body of RFC 9457 describes; one that is none is of something between the brain and us.
function problemOf(body: string, status: number): Problem {
  try {
    const parsed = JSON.parse(body) as Record<string, unknown>;
    const text = (name: string): string => (typeof parsed[name] === 'string' ? (parsed[name] as string) : '');
    const kind = PROBLEMS[text('code')];
    if (kind !== undefined) return new kind(text('code'), text('what'), text('where'), text('remedy'), status);
  } catch {
    // Said below.
  }
  const what = `answered ${status} without saying why`;
  return [408, 502, 503, 504].includes(status) ? new Unavailable('unavailable', what, '', '', status) : new Internal('internal', what, '', '', status);
}

// The connection failed, perhaps after the brain had the request.
class Lost extends Error {}

export interface Options {
  /** "https://HOST:PORT" of its REST server; "" in a page that the brain itself served. */
  url: string;
  token?: string;
  /** Milliseconds that one answer may take (30,000). */
  timeoutMs?: number;
  /** For which what is safe to repeat is tried again while the brain is away (10,000); 0: one try. */
  retryForMs?: number;
  /** Instead of the platform's own. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

type Query = Record<string, Int64 | boolean | readonly string[] | undefined>;

function pathOf(segments: readonly Int64[], query: Query = {}): string {
  const asked: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(',') : value === undefined ? '' : String(value);
    if (text !== '') asked.push(`${name}=${encodeURIComponent(text)}`);
  }
  return `/v1/${segments.map((segment) => encodeURIComponent(String(segment))).join('/')}${asked.length > 0 ? `?${asked.join('&')}` : ''}`;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// An Idempotency-Key that nobody else has. Not randomUUID(), which pages have only by https.
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Between tries, until so much time has passed since the first failure.
class Pauses {
  private pause = PAUSE_MS_FIRST;
  private end: number | undefined;
  constructor(private readonly retryForMs: number) {}

  over(): void {
    this.pause = PAUSE_MS_FIRST;
    this.end = undefined;
  }
  // Throws what was lost when there is no time left.
  async after(lost: unknown): Promise<void> {
    const now = Date.now();
    this.end ??= now + this.retryForMs;
    if (now >= this.end) throw lost;
    await sleep(Math.min(this.pause * (0.5 + Math.random() / 2), this.end - now));
    this.pause = Math.min(this.pause * 2, PAUSE_MS_MAX);
  }
  // As the brain said, if that is soon enough.
  async until(busy: Problem, seconds: number): Promise<void> {
    const now = Date.now();
    this.end ??= now + this.retryForMs;
    if (now + seconds * 1000 > this.end) throw busy;
    await sleep(seconds * 1000);
  }
}

export class Client {
  private readonly url: string;
  private readonly token: string | undefined;
  private readonly timeoutMs: number;
  private readonly retryForMs: number;
  private readonly fetch: (url: string, init: RequestInit) => Promise<Response>;

  constructor(options: Options) {
    this.url = options.url.replace(/\/+$/, '');
    if (options.token !== undefined && !/^[!-~]+$/.test(options.token)) throw new Invalid('invalid', 'is no token', 'token', "give it as 'weir token create' printed it");
    this.token = options.token;
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.retryForMs = options.retryForMs ?? 10_000;
    if (!(this.timeoutMs > 0) || !(this.retryForMs >= 0)) throw new Invalid('invalid', 'is no time', 'timeoutMs or retryForMs');
    this.fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  // ---- what is there

  /** One resource or view. NotFound also where it belongs to another tenant. */
  async get<K extends Kind>(kind: K, name: Int64, options: { tenant?: string } = {}): Promise<Of<K>> {
    const answer = await this.json<{ resource?: Resource }>('GET', pathOf(['resources', kind, name], { tenant: options.tenant }));
    const found = answer.resource?.[kind];
    if (found === undefined) throw new Internal('internal', `the answer holds no ${kind}`);
    return found as Of<K>;
  }

  /** One page, and the token of the next, "" after the last. */
  async page<K extends Kind>(kind: K, options: { tenant?: string; filter?: string; pageSize?: number; pageToken?: string } = {}): Promise<{ items: Of<K>[]; next: string; version: string }> {
    const query = { tenant: options.tenant, filter: options.filter, page_size: options.pageSize, page_token: options.pageToken };
    const answer = await this.json<ListResponse>('GET', pathOf(['resources', kind], query));
    const items: Of<K>[] = [];
    for (const item of answer.items ?? []) {
      const inside = item[kind];
      if (inside !== undefined) items.push(inside as Of<K>);
    }
    return { items, next: answer.nextPageToken ?? '', version: answer.version ?? '0' };
  }

  /** All of a kind, read page by page as they are taken. `filter`: "FIELD=VALUE,…" of name, site, tenant, intent, state. */
  async *list<K extends Kind>(kind: K, options: { tenant?: string; filter?: string; pageSize?: number } = {}): AsyncGenerator<Of<K>, void, undefined> {
    let pageToken = '';
    do {
      const page = await this.page(kind, { ...options, pageToken });
      yield* page.items;
      pageToken = page.next;
    } while (pageToken !== '');
  }

  /** Why an intent runs where it does, waits, or is refused. `whatIf`: up to 16 of "FIELD=VALUE", decided on a copy. */
  explain(intent: string, options: { tenant?: string; ingress?: string; whatIf?: readonly string[] } = {}): Promise<ExplainResponse> {
    return this.json('GET', pathOf(['explanations', intent], { tenant: options.tenant, ingress: options.ingress, what_if: options.whatIf }));
  }
  explainWorkflow(workflow: string, options: { tenant?: string } = {}): Promise<ExplainResponse> {
    return this.json('GET', pathOf(['workflows', workflow, 'explanation'], { tenant: options.tenant }));
  }

  /** What a sentence in English or Chinese asks for, planned; changes nothing. A text alone is a dialogue of one. */
  ask(request: string | AskRequest): Promise<AskResponse> {
    const body: AskRequest = typeof request === 'string' ? { dialogue: [{ text: request }] } : request;
    return this.json('POST', pathOf(['ask']), { body: JSON.stringify(body) });
  }

  /** From `from` to `to`, in microseconds since the Unix epoch; the beginning, and now. */
  async bill(options: { tenant?: string; from?: Int64; to?: Int64 } = {}): Promise<Bill[]> {
    return (await this.json<BillResponse>('GET', pathOf(['bill'], { tenant: options.tenant, from: options.from, to: options.to }))).bills ?? [];
  }

  /** The durable version. Needs no token. */
  async health(): Promise<string> {
    return String((await this.json<{ version: string | number }>('GET', '/healthz')).version);
  }
  /** The API's own description (OpenAPI 3.1). Needs no token. */
  openapi(): Promise<Record<string, unknown>> {
    return this.json('GET', '/v1/openapi.json');
  }

  // ---- changes

  /** Creates or changes what is described: YAML as in files, a resource in a file's form, or a list of them. Answers when it is durable; a dry
   * run changes nothing and holds the plan, or why there is none. */
  apply(resources: string | object | readonly object[], options: { dryRun?: boolean } = {}): Promise<ApplyResponse> {
    const body = typeof resources === 'string' ? resources : JSON.stringify(resources);
    return this.json('POST', pathOf(['apply'], { dry_run: options.dryRun === true ? true : undefined }), { body, type: 'application/yaml' });
  }
  /** Withdraws an intent or a workflow, or cancels a reservation. Is not repeated: another could have been made meanwhile. */
  delete(kind: 'intent' | 'workflow' | 'reservation', name: string, options: { tenant?: string } = {}): Promise<{ version?: string }> {
    return this.json('DELETE', pathOf(['resources', kind, name], { tenant: options.tenant }), { once: true });
  }
  /** Moves the work of a site away. */
  drain(site: string, why = ''): Promise<{ version?: string }> {
    return this.json('POST', pathOf(['sites', site, 'drain']), { body: JSON.stringify({ why }) });
  }
  undrain(site: string): Promise<{ version?: string }> {
    return this.json('POST', pathOf(['sites', site, 'undrain']), { body: '{}' });
  }
  /** A node (its number, or its name at `site`) takes nothing new; what runs there goes on. */
  cordon(node: Int64, options: { site?: string; why?: string } = {}): Promise<{ version?: string }> {
    return this.json('POST', pathOf(['nodes', node, 'cordon']), { body: JSON.stringify({ site: options.site, why: options.why }) });
  }
  uncordon(node: Int64, options: { site?: string } = {}): Promise<{ version?: string }> {
    return this.json('POST', pathOf(['nodes', node, 'uncordon']), { body: JSON.stringify({ site: options.site }) });
  }
  /** Ends the certificates and unused join tokens of a site. */
  revokeSite(site: string, why = ''): Promise<{ version?: string }> {
    return this.json('POST', pathOf(['sites', site, 'revoke']), { body: JSON.stringify({ why }) });
  }
  /** A token of a person, or with `join` of a site. Without a lifetime: 30 days, and an hour to join. Is not repeated. */
  issueToken(request: { subject: string; role?: 'ROLE_OPERATOR' | 'ROLE_PROVIDER' | 'ROLE_TENANT'; join?: boolean; lifetimeUs?: string }): Promise<IssueTokenResponse> {
    return this.json('POST', pathOf(['tokens']), { body: JSON.stringify(request), once: true });
  }
  revokeToken(token: string): Promise<{ version?: string }> {
    return this.json('DELETE', pathOf(['tokens', token]), { once: true });
  }

  // ---- webhooks

  /** Has events posted to an address, signed as Standard Webhooks says. The secret is shown this once. Is not repeated. */
  addWebhook(request: { url: string; names?: string[]; tenant?: string; secret?: string; from?: string }): Promise<AddWebhookResponse> {
    return this.json('POST', pathOf(['webhooks']), { body: JSON.stringify(request), once: true });
  }
  /** Who is told of events, and how far that is. */
  webhooks(options: { tenant?: string } = {}): Promise<ListWebhooksResponse> {
    return this.json('GET', pathOf(['webhooks'], { tenant: options.tenant }));
  }
  /** Tells an address no more. */
  removeWebhook(webhook: string): Promise<object> {
    return this.json('DELETE', pathOf(['webhooks', webhook]), { once: true });
  }

  // ---- the ledger

  /** Size and root of the Merkle tree over all records. */
  ledgerHead(): Promise<LedgerHeadResponse> {
    return this.json('GET', pathOf(['ledger', 'head']));
  }
  /** That a record is in the ledger, and with `oldSize` that the tree of that size is a prefix. */
  prove(position: Int64, options: { size?: Int64; oldSize?: Int64 } = {}): Promise<LedgerProofResponse> {
    return this.json('GET', pathOf(['ledger', 'proof', position], { size: options.size, old_size: options.oldSize }));
  }

  // ---- as it happens

  /** Events in order, each once, from a position on; with `tail` only new ones. When the connection is lost the stream goes on after the last
   * event that was read. Ends at `limit`, at the end of the ledger with `follow: false`, or when `signal` says so. `language` of their texts: en or zh. */
  async *events(options: { from?: Int64; tail?: boolean; follow?: boolean; names?: readonly string[]; tenant?: string; limit?: number; since?: Int64; language?: string; signal?: AbortSignal } = {}): AsyncGenerator<EventView, void, undefined> {
    // From a position, or what happened while the connection was lost would be missed.
    const from = options.tail === true ? await this.health() : (options.from ?? 0);
    const follow = options.follow ?? true;
    const pauses = new Pauses(this.retryForMs);
    let last = '';
    let left = options.limit;
    while (left === undefined || left > 0) {
      try {
        const query = { from, follow, names: options.names, tenant: options.tenant, since: options.since, language: options.language, limit: left };
        const headers: Record<string, string> = { Accept: 'text/event-stream' };
        if (last !== '') headers['Last-Event-ID'] = last;
        let name = '';
        let data: string[] = [];
        // WHATWG HTML, section 9.2.
        for await (const line of this.lines(pathOf(['events'], query), headers, pauses, options.signal)) {
          if (line.startsWith('event:')) name = line.slice(6).trim();
          else if (line.startsWith('data:')) data.push(line.slice(5).trim());
          else if (line === '' && data.length > 0) {
            const text = data.join('\n');
            if (name === 'error') throw problemOf(text, 0);
            const event = JSON.parse(text) as EventView;
            name = '';
            data = [];
            last = event.position ?? '0';
            if (left !== undefined) left -= 1;
            yield event;
          }
        }
        if (!follow) return;
        throw new Lost('the stream ended');
      } catch (lost) {
        if (options.signal?.aborted === true) return;
        if (!(lost instanceof Lost) && !(lost instanceof Unavailable)) throw lost;
        if (left !== 0) await pauses.after(this.away(lost));
      }
    }
  }

  /** What a run wrote, piece by piece. What is lost with a connection is read again from the offset reached. */
  async *logs(plan: Int64, item: Int64, options: { offset?: number; follow?: boolean; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const pauses = new Pauses(this.retryForMs);
    let offset = options.offset ?? 0;
    for (;;) {
      try {
        const query = { follow: options.follow === true ? true : undefined, offset };
        for await (const line of this.lines(pathOf(['runs', plan, item, 'logs'], query), {}, pauses, options.signal)) {
          if (line === '') continue;
          const piece = JSON.parse(line) as LogsResponse & { code?: string; status?: number };
          if (piece.code !== undefined) throw problemOf(line, piece.status ?? 0);
          const data = Uint8Array.from(atob(piece.data ?? ''), (c) => c.charCodeAt(0));
          if (data.length > 0) {
            offset = Number(piece.offset ?? 0) + data.length;
            yield data;
          }
          if (piece.complete === true) return;
        }
        if (options.follow !== true) return;
        throw new Lost('the stream ended');
      } catch (lost) {
        if (options.signal?.aborted === true) return;
        if (!(lost instanceof Lost) && !(lost instanceof Unavailable)) throw lost;
        await pauses.after(this.away(lost));
      }
    }
  }

  /** Waits until the resource has the state, or is "present" or "absent". Throws NotReached where it will not come there by itself, and TimedOut. */
  async wait<K extends Kind>(kind: K, name: Int64, state: string, options: { tenant?: string; timeoutMs?: number } = {}): Promise<Of<K> | undefined> {
    const timeoutMs = options.timeoutMs ?? 60_000;
    const deadline = Date.now() + timeoutMs;
    for (let pause = 50; ; pause = Math.min(pause * 1.5, 1000)) {
      let resource: Of<K> | undefined;
      try {
        resource = await this.get(kind, name, options);
      } catch (error) {
        if (!(error instanceof NotFound)) throw error;
        if (state === 'absent') return undefined;
      }
      if (resource !== undefined && state !== 'absent') {
        const held = resource as { state?: unknown; status?: { state?: unknown; why?: unknown } };
        const found = held.status?.state ?? held.state;
        // A job that has ended well was placed and ran.
        if (state === 'present' || found === state || (found === 'running' && state === 'placed') || (found === 'finished' && (state === 'placed' || state === 'running'))) return resource;
        if (typeof found === 'string' && ['refused', 'withdrawn', 'finished', 'failed'].includes(found)) {
          const why = typeof held.status?.why === 'string' && held.status.why !== '' ? `: ${held.status.why}` : '';
          const problem = new NotReached('not-reached', `is ${found}, and not ${state}${why}`, `${kind}/${String(name)}`);
          problem.resource = resource;
          throw problem;
        }
      }
      if (Date.now() >= deadline) {
        const problem = new TimedOut('timeout', `not ${state} within ${timeoutMs} ms`, `${kind}/${String(name)}`);
        problem.resource = resource;
        throw problem;
      }
      await sleep(Math.min(pause, Math.max(0, deadline - Date.now())));
    }
  }

  // ---- below

  private away(lost: unknown): Problem {
    if (lost instanceof Problem) return lost;
    const why = lost instanceof Error ? lost.message : String(lost);
    return new Unavailable('unavailable', `the brain does not answer (${why})`, this.url, "check that 'weir serve' runs there, and --rest");
  }

  private async open(method: string, path: string, headers: Record<string, string>, body: string | undefined, signal: AbortSignal): Promise<Response> {
    if (this.token !== undefined) headers.Authorization = `Bearer ${this.token}`;
    const init: RequestInit = { method, headers, signal, cache: 'no-store', credentials: 'omit', redirect: 'error' };
    if (body !== undefined) init.body = body;
    try {
      return await this.fetch(this.url + path, init);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new Lost(cause instanceof Error ? cause.message : String(cause));
    }
  }

  // `once`: doing it twice is not as good as once, so that it is not tried again when the brain may have had it.
  private async json<T>(method: string, path: string, options: { body?: string; type?: string; once?: boolean } = {}): Promise<T> {
    const pauses = new Pauses(this.retryForMs);
    const key = method === 'GET' ? undefined : randomKey(); // one for all tries
    for (;;) {
      try {
        const headers: Record<string, string> = options.body === undefined ? {} : { 'Content-Type': options.type ?? 'application/json' };
        if (key !== undefined) headers['Idempotency-Key'] = key;
        const response = await this.open(method, path, headers, options.body, AbortSignal.timeout(this.timeoutMs));
        let text: string;
        try {
          text = await response.text();
        } catch (error) {
          throw new Lost(error instanceof Error ? error.message : String(error));
        }
        if (text.length > ANSWER_BYTES_MAX) throw new Exhausted('exhausted', `answered more than ${ANSWER_BYTES_MAX} bytes`, path);
        if (response.status !== 200) {
          const problem = problemOf(text, response.status);
          const after = response.headers.get('Retry-After') ?? '';
          if (/^[0-9]{1,9}$/.test(after)) problem.retryAfter = Number(after);
          throw problem;
        }
        try {
          return JSON.parse(text) as T;
        } catch {
          throw new Internal('internal', 'answered what is no JSON', path);
        }
      } catch (lost) {
        if ((lost instanceof Exhausted || lost instanceof Conflict) && lost.retryAfter !== undefined) {
          await pauses.until(lost, lost.retryAfter);
          continue;
        }
        if (!(lost instanceof Lost) && !(lost instanceof Unavailable)) throw lost;
        if (options.once === true) throw this.away(lost);
        await pauses.after(this.away(lost));
      }
    }
  }

  // Lines of a stream, without their ends. Lost: it was cut, or silent for too long.
  private async *lines(path: string, headers: Record<string, string>, pauses: Pauses, signal: AbortSignal | undefined): AsyncGenerator<string, void, undefined> {
    const attempt = new AbortController();
    const end = (): void => attempt.abort();
    if (signal?.aborted === true) throw new Lost('given up');
    signal?.addEventListener('abort', end);
    let silence = setTimeout(end, this.timeoutMs);
    try {
      const response = await this.open('GET', path, headers, undefined, attempt.signal);
      if (response.status !== 200) throw problemOf(await response.text().catch(() => ''), response.status);
      if (response.body === null) throw new Unsupported('unsupported', 'the answer has no body to stream');
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let begun = '';
      for (;;) {
        let chunk: { done: boolean; value?: Uint8Array };
        try {
          chunk = await reader.read();
        } catch (error) {
          throw new Lost(error instanceof Error ? error.message : String(error));
        }
        clearTimeout(silence);
        silence = setTimeout(end, SILENCE_MS_MAX);
        if (chunk.done) {
          if (begun !== '') throw new Lost('the stream ended within a line');
          return;
        }
        pauses.over();
        begun += decoder.decode(chunk.value, { stream: true });
        const whole = begun.split('\n');
        begun = whole.pop() ?? '';
        if (begun.length > LINE_CHARACTERS_MAX) throw new Exhausted('exhausted', `sent a line of more than ${LINE_CHARACTERS_MAX} characters`, path);
        for (const line of whole) yield line.endsWith('\r') ? line.slice(0, -1) : line;
      }
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', end);
      attempt.abort();
    }
  }
}
