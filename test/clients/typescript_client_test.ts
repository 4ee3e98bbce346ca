// The TypeScript client against a brain that typescript_client_test.py has started. Environment: as of the command line, and WEIR_CA.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fromContext } from './node.js';
import { Client, Conflict, Denied, Exhausted, Invalid, NotFound, NotReached, Problem, TimedOut, Unavailable } from './weir.js';
import type { EventView, Site } from './weir.js';

const REGION = `apiVersion: weir/v1
kind: Tenant
metadata: {name: city}
---
apiVersion: weir/v1
kind: Site
metadata: {name: hub}
spec:
  tier: edge
  region: Test
  asks: {core_hour: 1, gib_hour: 0.1}
  power: {idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: 500gCO2/kWh}
  availability: 99.9%
`;
const tenant = (name: string): object => ({ apiVersion: 'weir/v1', kind: 'Tenant', metadata: { name } });
const brain = fromContext();

async function failure(doing: Promise<unknown>): Promise<unknown> {
  return doing.then(() => assert.fail('nothing was thrown'), (error: unknown) => error);
}

// The brain is told what to do by its keeper, over standard output.
function keeper(what: 'stop' | 'start'): void {
  execFileSync(process.env.WEIR_KEEPER ?? '', [what], { stdio: 'inherit' });
}

test('what is there, and changes', async () => {
  const tried = await brain.apply(REGION, { dryRun: true });
  assert.equal(tried.results?.[0]?.action, 'created');
  await assert.rejects(brain.get('site', 'hub'), NotFound);
  await brain.apply(REGION);
  const site: Site = await brain.get('site', 'hub');
  assert.equal(site.metadata?.name, 'hub');
  assert.equal(site.spec?.asks?.core_hour, '1');
  assert.equal((await brain.apply(tenant('harbour'))).results?.[0]?.action, 'created');
  assert.equal((await brain.apply([tenant('harbour'), tenant('lagoon')])).results?.length, 2);
  const names: (string | undefined)[] = [];
  for await (const each of brain.list('tenant', { pageSize: 2 })) names.push(each.metadata?.name);
  assert.deepEqual(names.sort(), ['city', 'harbour', 'lagoon']);
  const page = await brain.page('tenant', { pageSize: 2 });
  assert.equal(page.items.length, 2);
  assert.notEqual(page.next, '');
  const asked = await brain.ask({ dialogue: [{ text: '2 cameras in hub, within 500 ms' }], tenant: 'city' });
  assert.equal(asked.language, 'en');
  assert.deepEqual((await brain.bill({ tenant: 'city' }))[0]?.tenant, 'city');
  assert.match(await brain.health(), /^[0-9]+$/);
  assert.equal((await brain.openapi()).openapi, '3.1.0');
  const head = await brain.ledgerHead();
  assert.equal((await brain.prove(1, { size: head.size })).rootSha256, head.rootSha256);
  await assert.rejects(brain.drain('hub', 'a test'), Conflict, 'it has no agent yet');
});

test('problems are errors of their kind', async () => {
  const missing = await failure(brain.get('site', 'no/where ü'));
  assert.ok(missing instanceof NotFound && missing instanceof Problem && missing instanceof Error);
  assert.equal(missing.status, 404);
  assert.equal(missing.name, 'NotFound');
  assert.match(missing.message, /no\/where ü/);
  await assert.rejects(brain.apply('kind: Nonsense\n'), Invalid);
  const token = await brain.issueToken({ subject: 'city', role: 'ROLE_TENANT' });
  const city = new Client({ url: `https://${process.env.WEIR_REST}`, token: token.bearer ?? '', fetch: (brain as unknown as { fetch: typeof fetch }).fetch });
  await assert.rejects(city.drain('hub'), Denied);
  await brain.revokeToken(token.token ?? '');
  const ended = await failure(city.page('tenant'));
  assert.ok(ended instanceof Denied && ended.status === 401);
  assert.throws(() => new Client({ url: '', token: 'a b' }), Invalid);
  assert.throws(() => new Client({ url: '', timeoutMs: 0 }), Invalid);
  // Who is not known by the authority is not spoken to.
  await assert.rejects(new Client({ url: `https://${process.env.WEIR_REST}`, retryForMs: 0 }).health(), Unavailable);
});

test('what is waited for', async () => {
  const job = { apiVersion: 'weir/v1', kind: 'Intent', metadata: { name: 'count', tenant: 'city' }, spec: { workload: { job: { artifact: 'hello', cpu: 0.1, memory: '64Mi' } } } };
  await brain.apply(job);
  const late = await failure(brain.wait('intent', 'count', 'running', { tenant: 'city', timeoutMs: 1 }));
  assert.ok(late instanceof TimedOut || late instanceof NotReached, String(late));
  await brain.delete('intent', 'count', { tenant: 'city' });
  assert.equal(await brain.wait('intent', 'nobody', 'absent', { tenant: 'city' }), undefined);
});

test('events come in order and once, and go on when the brain was away', async () => {
  const all: EventView[] = [];
  for await (const event of brain.events({ follow: false })) all.push(event);
  assert.ok(all.length > 3);
  assert.deepEqual(all.map((event) => Number(event.position ?? 0)), all.map((event) => Number(event.position ?? 0)).sort((a, b) => a - b));
  const three: EventView[] = [];
  for await (const event of brain.events({ limit: 3 })) three.push(event);
  assert.deepEqual(three, all.slice(0, 3));

  const stopped = new AbortController();
  const seen: string[] = [];
  const patient = fromContext({ retryForMs: 60_000 });
  const following = (async () => {
    for await (const event of patient.events({ tail: true, names: ['TenantDefined'], signal: stopped.signal })) {
      seen.push(event.subject ?? '');
      if (seen.length === 1) {
        keeper('stop');
        keeper('start');
        await patient.apply(tenant('second'));
      }
      if (seen.length === 2) stopped.abort();
    }
  })();
  // The stream begins at the head: until it stands, what happens is before it.
  for (let number = 0; seen.length === 0 && number < 100; ++number) {
    if (number === 0) await patient.apply(tenant('first'));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await following;
  assert.deepEqual(seen, ['tenant/first', 'tenant/second']);
});

test('a change keeps its key, and waits as long as it is told', async () => {
  const keys: string[] = [];
  let refusals = 2;
  let waits = '1';
  const server = createServer((request, response) => {
    keys.push(`${request.method} ${String(request.headers['idempotency-key'])}`);
    if (refusals-- > 0) {
      response.writeHead(refusals === 0 ? 409 : 429, waits === '' ? {} : { 'Retry-After': waits });
      response.end(`{"code":"${refusals === 0 ? 'conflict' : 'exhausted'}","what":"busy"}`);
    } else {
      response.end('{}');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new Client({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, retryForMs: 30_000 });
  const begun = Date.now();
  await client.delete('intent', 'x');
  assert.ok(Date.now() - begun >= 1_900, 'twice a second');
  assert.equal(keys.length, 3);
  assert.match(keys[0] ?? '', /^DELETE [0-9a-f]{32}$/);
  assert.equal(new Set(keys).size, 1);
  await client.drain('hub');
  assert.notEqual(keys[3]?.split(' ')[1], keys[0]?.split(' ')[1], 'another change has another key');
  await client.ledgerHead();
  assert.equal(keys[4], 'GET undefined');
  for (const after of ['31', '', 'soon']) {
    waits = after;
    refusals = 2;
    await assert.rejects(client.drain('hub'), (error) => error instanceof Exhausted && error.retryAfter === (after === '31' ? 31 : undefined));
  }
  await new Promise((resolve) => server.close(resolve));
});

test('what is not safe to do twice is done once', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/healthz' && asked.length > 2) {
      response.end('{"version":"7"}');
    } else {
      request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new Client({ url, retryForMs: 10_000 });
  assert.equal(await client.health(), '7', 'a question is asked again');
  assert.equal(asked.length, 3);
  asked.length = 0;
  await assert.rejects(client.delete('intent', 'x'), Unavailable);
  await assert.rejects(client.issueToken({ subject: 'x' }), Unavailable);
  await assert.rejects(client.revokeToken('x'), Unavailable);
  assert.deepEqual(asked, ['DELETE /v1/resources/intent/x', 'POST /v1/tokens', 'DELETE /v1/tokens/x']);
  asked.length = 0;
  await assert.rejects(new Client({ url, retryForMs: 0 }).apply('x'), Unavailable);
  assert.equal(asked.length, 1);
  await new Promise((resolve) => server.close(resolve));
});
