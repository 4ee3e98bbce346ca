import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrain, type Brain } from './brain';
import { launch } from './browser';

// Signing in at a real OpenID Connect provider, by a browser; test/live/sign_in runs the provider.
const folder = process.env.WEIR_E2E_PROVIDER ?? '';
const SESSION_SECONDS = 20;

describe.skipIf(folder === '')('signing in by an identity provider', () => {
  const rest = Number(process.env.WEIR_E2E_REST ?? '0');
  const origin = `https://127.0.0.1:${rest}`;
  let provider: { issuer: string; secret: string; password: string };
  let brain: Brain;
  let browser: Browser;

  const settings = (session: number, local: boolean) => `[oidc]
issuer = "${provider.issuer}"
name = "Campus"
client_id = "weir"
client_secret_file = "${join(folder, 'secret')}"
base = "${origin}"
scopes = ["openid"]
ca_file = "${join(folder, 'ca.pem')}"
session_seconds = ${session}
local_tokens = ${local}
[[oidc.role]]
value = "admins"
role = "operator"
[[oidc.role]]
value = "tenant-*"
role = "tenant"
subject = "*"
`;
  const tenantYaml = 'apiVersion: weir/v1\nkind: Tenant\nmetadata: {name: city}\n';

  beforeAll(async () => {
    provider = JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8')) as typeof provider;
    brain = await startBrain(settings(3600, true), rest);
    await brain.apply(tenantYaml);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await brain?.end();
  });

  const visitor = async (options: BrowserContextOptions = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ignoreHTTPSErrors: true, ...options });
    return context.newPage();
  };
  const signIn = async (page: Page, name: string, hash = '') => {
    await page.goto(`${origin}/${hash}`);
    await page.getByRole('button', { name: 'Sign in with Campus' }).click();
    await page.waitForURL(/\/login\.html/);
    // As the provider's own page does it: it signs the person in for this browser, and goes on where it was asked to.
    const answer = await page.context().request.post(`${new URL(provider.issuer).origin}/api/auth/`, { data: { username: name, password: provider.password } });
    expect(answer.status()).toBe(200);
    const back = new URL(page.url()).searchParams.get('callback_url') ?? '';
    await page.goto(`${back}&g_continue`);
    await page.waitForURL(`${origin}/**`);
  };
  const status = (method: string, path: string, headers: Record<string, string>) => new Promise<number>((done, fail) => {
    request(`${origin}${path}`, { method, headers, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      done(answer.statusCode ?? 0);
    }).on('error', fail).end();
  });
  const cookieOf = async (page: Page) => (await page.context().cookies()).find((each) => each.name === '__Host-weir-session');

  it('makes an operator of an admin, whose session no script can read, and ends it with the sign-out', async () => {
    const page = await visitor();
    await signIn(page, 'alice', '#/trust/tokens');
    await page.getByRole('heading', { name: 'Trust' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/trust/tokens');
    expect(await page.locator('.who').innerText()).toMatch(/alice\s+operator/);
    await page.getByRole('row').filter({ hasText: 'alice-' }).first().waitFor();
    const cookie = await cookieOf(page);
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/', domain: '127.0.0.1' });
    expect(await page.evaluate(() => document.cookie + JSON.stringify(sessionStorage) + JSON.stringify(localStorage))).not.toMatch(/weir[us]\.|eyJ/);
    // The stream of events, too, is opened by the cookie.
    await brain.apply(tenantYaml.replace('city', 'rival'));
    await page.locator('.connection-live').waitFor();
    const own = { Cookie: `__Host-weir-session=${cookie?.value ?? ''}` };
    expect(await status('GET', '/v1/me', own)).toBe(200);
    expect(await status('POST', '/v1/sign-out', { ...own, Origin: 'https://evil.example' })).toBe(403);
    expect(await status('POST', '/v1/sign-out', own)).toBe(403);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect.poll(() => status('GET', '/v1/me', own)).toBe(401);
    expect(await cookieOf(page)).toBeUndefined();
    await page.context().close();
  });

  it('makes a tenant of a member, who is offered nothing of operators', async () => {
    const page = await visitor({ colorScheme: 'dark', locale: 'zh-CN' });
    await page.goto(`${origin}/`);
    await page.getByRole('button', { name: '通过 Campus 登录' }).waitFor();
    await page.getByRole('combobox').first().selectOption('en');
    await signIn(page, 'carol', '#/operate/sites');
    await page.getByRole('heading', { name: 'Operate' }).waitFor();
    expect(await page.locator('.who').innerText()).toMatch(/carol\s+tenant/);
    await page.locator('.connection-live').waitFor();
    expect(await page.getByRole('button', { name: 'Drain' }).count()).toBe(0);
    await page.evaluate(() => (location.hash = '#/trust/tokens'));
    await page.getByRole('heading', { name: 'Trust' }).waitFor();
    expect(await page.getByRole('button', { name: 'Issue a token' }).count()).toBe(0);
    const me = await page.evaluate(async () => (await fetch('/v1/me')).json() as Promise<Record<string, string>>);
    expect(me).toMatchObject({ role: 'ROLE_TENANT', subject: 'city', person: 'carol', by: 'session' });
    // An operator ends the session: the page says so by itself.
    await brain.call('DELETE', `/v1/tokens/${me.token ?? ''}`);
    await page.getByText('You are not signed in').waitFor();
    await page.context().close();
  });

  it('sends away whom no rule names', async () => {
    const page = await visitor();
    await signIn(page, 'mallory');
    await page.getByText('have no role here').waitFor();
    expect(await cookieOf(page)).toBeUndefined();
    expect(new URL(page.url()).search).toBe('');
    await page.context().close();
  });

  it('begins without its provider, ends sessions in time, and takes no local token where it shall not', async () => {
    await brain.restart(settings(SESSION_SECONDS, false));
    expect(await status('GET', '/v1/me', { Authorization: `Bearer ${brain.token}` })).toBe(401);
    const page = await visitor();
    await signIn(page, 'alice');
    await page.locator('.who').waitFor();
    expect(await page.getByLabel('Token').count()).toBe(0);
    const cookie = (await cookieOf(page))?.value ?? '';
    await page.getByText('You are not signed in').waitFor({ timeout: (SESSION_SECONDS + 30) * 1000 });
    expect(await status('GET', '/v1/me', { Cookie: `__Host-weir-session=${cookie}` })).toBe(401);
    await page.context().close();
    await brain.restart(settings(SESSION_SECONDS, true).replace(/issuer = .*/, 'issuer = "https://localhost:1/nobody"'));
    const later = await visitor();
    await later.goto(`${origin}/`);
    await later.getByRole('button', { name: 'Sign in with Campus' }).click();
    await later.getByText('The identity provider does not answer').waitFor();
    await later.context().close();
  });
});
