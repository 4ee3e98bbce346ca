import type { ApplyResult, AskedIntent, AskRequest, AskResponse, Rating, RecordDialogueRequest } from './ask';
import type { Language } from '../i18n/dictionary';
import { asProblem, Problem, problemOf } from './problem';
import type {
  Bill, Explanation, IssuedToken, Kind, Kinds, LedgerHead, LedgerProof, Me, SignInWays,
} from './types';

export type Query = Record<string, string | number | boolean | undefined>;

// "tenant=city&follow=false"; what is undefined or empty is left out.
export function queryText(query: Query): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

const PAGE_SIZE = 1000;
const CALL_TIMEOUT_MS = 30_000;

export interface Page<K extends Kind> {
  items: Kinds[K][];
  next: string;
  version: string;
}

// Calls of the REST API with one bearer token, or with an empty one by the cookie of a session. Every method throws a Problem.
export class Client {
  // Of the reasons in what is listed and read.
  language: Language = 'en';

  constructor(
    private readonly token: string,
    private readonly onSignedOut: (problem: Problem) => void = () => undefined,
    private readonly origin = '',
  ) {}

  // An answer whose body is still to be read; `signal` ends it.
  async open(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.origin + path, {
        ...init,
        cache: 'no-store',
        credentials: this.token === '' ? 'same-origin' : 'omit',
        redirect: 'error',
        headers: { ...(init.headers as Record<string, string> | undefined), ...(this.token === '' ? {} : { Authorization: `Bearer ${this.token}` }) },
      });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw asProblem(error);
    }
    if (response.ok) return response;
    const problem = problemOf(response.status, await response.text().catch(() => ''));
    if (problem.signedOut) this.onSignedOut(problem);
    throw problem;
  }

  private async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.open(path, { ...init, signal: init.signal ?? AbortSignal.timeout(CALL_TIMEOUT_MS) });
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw asProblem(error);
    }
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async page<K extends Kind>(kind: K, query: Query = {}): Promise<Page<K>> {
    const answer = await this.json<{ items?: Record<string, Kinds[K]>[]; nextPageToken?: string; version?: string }>(
      `/v1/resources/${kind}${queryText({ page_size: PAGE_SIZE, language: this.language, ...query })}`,
    );
    const items: Kinds[K][] = [];
    for (const item of answer.items ?? []) {
      const resource = item[kind];
      if (resource !== undefined) items.push(resource);
    }
    return { items, next: answer.nextPageToken ?? '', version: answer.version ?? '0' };
  }

  // Every page in sequence; `onPage` sees each as it comes.
  async all<K extends Kind>(kind: K, query: Query = {}, onPage: (items: Kinds[K][]) => void = () => undefined): Promise<Kinds[K][]> {
    const items: Kinds[K][] = [];
    let token = '';
    do {
      const page = await this.page(kind, { ...query, page_token: token });
      onPage(page.items);
      for (const item of page.items) items.push(item);
      token = page.next;
    } while (token !== '');
    return items;
  }

  async get<K extends Kind>(kind: K, name: string, tenant = ''): Promise<Kinds[K]> {
    const answer = await this.json<{ resource?: Record<string, Kinds[K]> }>(
      `/v1/resources/${kind}/${encodeURIComponent(name)}${queryText({ tenant, language: this.language })}`,
    );
    const resource = answer.resource?.[kind];
    if (resource === undefined) throw new Problem('internal', `the answer holds no ${kind}`);
    return resource;
  }

  explain(tenant: string, intent: string, language: Language, whatIf = ''): Promise<Explanation> {
    return this.json(`/v1/explanations/${encodeURIComponent(intent)}${queryText({ tenant, what_if: whatIf, language })}`);
  }

  // What the last sentence asks for. Changes nothing.
  ask(request: AskRequest): Promise<AskResponse> {
    return this.post('/v1/ask', request);
  }

  // How a dialogue ended; what was done stands without it.
  recordDialogue(request: RecordDialogueRequest): Promise<unknown> {
    return this.post('/v1/dialogues', request);
  }

  rate({ intent, ...rating }: Rating): Promise<{ changed?: boolean }> {
    return this.post(`/v1/intents/${encodeURIComponent(intent)}/verdict`, rating);
  }

  async apply(intent: AskedIntent): Promise<ApplyResult> {
    const results = (await this.post<{ results?: ApplyResult[] }>('/v1/apply', { resources: [{ intent }], language: this.language })).results ?? [];
    return results[0] ?? {};
  }

  withdraw(tenant: string, intent: string): Promise<unknown> {
    return this.json(`/v1/resources/intent/${encodeURIComponent(intent)}${queryText({ tenant })}`, { method: 'DELETE' });
  }

  explainWorkflow(tenant: string, workflow: string): Promise<Explanation> {
    return this.json(`/v1/workflows/${encodeURIComponent(workflow)}/explanation${queryText({ tenant })}`);
  }

  async bill(query: { tenant?: string; from?: string; to?: string }): Promise<Bill[]> {
    return (await this.json<{ bills?: Bill[] }>(`/v1/bill${queryText(query)}`)).bills ?? [];
  }

  me(): Promise<Me> {
    return this.json('/v1/me');
  }

  ways(): Promise<SignInWays> {
    return this.json('/v1/sign-in/ways');
  }

  // Ends the session; where the browser signs out of the identity provider too, if it can.
  async signOut(): Promise<string> {
    return (await this.post<{ location?: string }>('/v1/sign-out', {})).location ?? '';
  }

  head(): Promise<LedgerHead> {
    return this.json('/v1/ledger/head');
  }

  proof(position: string, size: string, oldSize = ''): Promise<LedgerProof> {
    return this.json(`/v1/ledger/proof/${encodeURIComponent(position)}${queryText({ size, old_size: oldSize })}`);
  }

  drain(site: string, why: string): Promise<unknown> {
    return this.post(`/v1/sites/${encodeURIComponent(site)}/drain`, { why });
  }

  undrain(site: string): Promise<unknown> {
    return this.post(`/v1/sites/${encodeURIComponent(site)}/undrain`, {});
  }

  cordon(node: number, why: string): Promise<unknown> {
    return this.post(`/v1/nodes/${node}/cordon`, { why });
  }

  uncordon(node: number): Promise<unknown> {
    return this.post(`/v1/nodes/${node}/uncordon`, {});
  }

  issueToken(request: { join: boolean; role?: string; subject: string; lifetimeUs: string }): Promise<IssuedToken> {
    return this.post('/v1/tokens', request);
  }

  revokeToken(token: string): Promise<unknown> {
    return this.json(`/v1/tokens/${encodeURIComponent(token)}`, { method: 'DELETE' });
  }
}
