import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cityYaml, example, siteYaml, startBrain, type Brain } from './brain';
import { launch, open } from './browser';

// Every page against a real brain. It has no agents, so that sites are unknown and nothing runs: what an operator meets first.
const own = process.env.WEIR_E2E_BRAIN === undefined;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HOSTILE = '"><img src=x onerror=alert(1)>';

const PAGES = [
  '#/map', '#/map?list=links', '#/map?site=metro', '#/map?link=hangzhou-wuhan', '#/ask', '#/work/intents', '#/work/jobs', '#/work/workflows', '#/work/runs',
  '#/work/queues', '#/work/intent/lab/retrain', '#/work/workflow/city/street-video', '#/money/bill', '#/money/prices', '#/money/carbon',
  '#/trust/ledger?position=5', '#/trust/audit', '#/trust/tokens', '#/operate/alarms', '#/operate/sites', '#/operate/nodes',
];

async function serious(page: Page): Promise<string[]> {
  // The policy of the page takes no script from a test; one that is evaluated by the debugger is not the page's.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: checker } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
    const found = await checker.run();
    return found.violations.filter((each) => each.impact === 'serious' || each.impact === 'critical')
      .map((each) => `${each.id}: ${each.nodes.slice(0, 2).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary.slice(0, 200)}`).join(' | ')}`);
  });
}

describe.skipIf(!own)('the console', () => {
  let brain: Brain;
  let browser: Browser;
  const shown = async (hash: string, options = {}) => open(browser, brain.rest, brain.token, hash, options);

  beforeAll(async () => {
    brain = await startBrain();
    await brain.apply(cityYaml());
    await brain.apply(example('queues/queues.yaml'));
    await brain.apply(example('queues/jobs.yaml').replace(/artifact: (train|count)/g, `artifact: $1, digest: ${'ab'.repeat(32)}`));
    await brain.apply(example('workflows/street-video.yaml').replace('artifact: detector', `artifact: detector\n      digest: ${'ab'.repeat(32)}`));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await brain?.end();
  });

  it('says why a token is not taken, and signs in and out with a good one', async () => {
    const { page, faults } = await open(browser, brain.rest, '', '#/operate/sites');
    await page.getByLabel('Token').fill('weiru.0000000000000000.wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('You are not signed in').waitFor();
    expect(await page.getByRole('alert').innerText()).toContain('What to do');
    expect(await serious(page)).toEqual([]);
    await page.getByLabel('Token').fill(brain.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Operate' }).waitFor();
    expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain('weiru.');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to Weir' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem('weir.token'))).toBeNull();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  for (const [width, scheme] of [[1280, 'light'], [400, 'dark']] as const) {
    it(`has no serious fault of accessibility at ${width}, ${scheme}`, async () => {
      const { page, faults } = await shown('#/map', { viewport: { width, height: 800 }, colorScheme: scheme });
      const found: string[] = [];
      for (const hash of PAGES) {
        await page.evaluate((next) => (location.hash = next), hash);
        await page.waitForTimeout(500);
        for (const each of await serious(page)) found.push(`${hash} ${each}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) found.push(`${hash} is ${wide} px too wide`);
      }
      expect(found).toEqual([]);
      expect(faults).toEqual([]);
      await page.context().close();
    });
  }

  it('shows what is added without being loaded again', async () => {
    const { page } = await shown('#/map');
    await page.getByRole('link', { name: 'street-a' }).waitFor();
    await brain.apply(siteYaml('ningbo'));
    await page.getByRole('link', { name: 'ningbo' }).waitFor({ timeout: 5000 });
    await page.context().close();
  });

  it('asks for a reason and consent, and says why an action is refused', async () => {
    const { page } = await shown('#/operate/sites');
    const row = page.getByRole('row').filter({ hasText: 'hub-guizhou' });
    await row.getByRole('button', { name: 'Drain' }).click();
    const dialog = page.getByRole('dialog');
    const consent = dialog.getByRole('button', { name: 'Drain' });
    expect(await consent.isDisabled()).toBe(true);
    expect(await serious(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await row.getByRole('button', { name: 'Drain' }).click();
    await dialog.getByLabel('Reason, for the record').fill('new power supply');
    await consent.click();
    expect(await dialog.getByRole('alert').innerText()).toContain('its agent has never attached');
    await page.context().close();
  });

  it('issues a token once and revokes it', async () => {
    const { page } = await shown('#/trust/tokens');
    await page.getByRole('button', { name: 'Issue a token' }).click();
    const dialog = page.getByRole('dialog');
    expect(await serious(page)).toEqual([]);
    await dialog.getByRole('textbox', { name: 'Tenant' }).fill('city');
    await dialog.getByRole('button', { name: 'Issue a token' }).click();
    const bearer = await dialog.locator('[data-bearer]').innerText();
    expect(bearer).toMatch(/^weiru\./);
    const tenant = await open(browser, brain.rest, bearer, '#/trust/ledger?position=5');
    await tenant.page.getByRole('heading', { name: 'Trust' }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    const row = page.getByRole('row').filter({ hasText: 'city' });
    await row.getByRole('button', { name: 'Revoke' }).click();
    await dialog.getByRole('button', { name: 'Revoke' }).click();
    await row.getByText('revoked').waitFor();
    await tenant.page.evaluate(() => location.reload());
    await tenant.page.getByText('You are not signed in').waitFor();
    await tenant.page.context().close();
    await page.context().close();
  });

  it('proves a record by itself, and then that the head seen before is a prefix', async () => {
    const { page } = await shown('#/trust/ledger?position=5');
    await page.getByText('The record is in the ledger, as it was written.').waitFor();
    await page.getByText('What is shown is read from the proven record.').waitFor();
    await brain.apply(siteYaml('another-record'));
    await page.getByRole('button', { name: 'Verify here' }).click();
    await page.getByText('The head seen before is a prefix of this one').waitFor();
    await page.getByText('The record is in the ledger, as it was written.').waitFor();
    await page.context().close();
  });

  it('sees a record that was changed on the way', async () => {
    const { page } = await shown('#/map');
    await page.waitForSelector('.map-box');
    await page.route('**/v1/ledger/proof/**', async (route) => {
      const answer = await route.fetch();
      const proof = (await answer.json()) as { record: string };
      await route.fulfill({ json: { ...proof, record: Buffer.from('another').toString('base64') } });
    });
    await page.evaluate(() => (location.hash = '#/trust/ledger?position=5'));
    await page.getByText('The proof does not hold.').waitFor();
    await page.context().close();
  });

  it('explains what is refused or waits, and decides on a copy', async () => {
    const { page } = await shown('#/work/intent/lab/retrain');
    await page.getByRole('heading', { name: 'What if' }).waitFor();
    await page.getByRole('textbox').first().fill('schedule.instances=1');
    await page.getByRole('button', { name: 'Decide on a copy' }).click();
    await page.getByRole('columnheader', { name: 'As it would be' }).waitFor();
    await page.getByRole('textbox').first().fill('nonsense=1');
    await page.getByRole('button', { name: 'Decide on a copy' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('What to do');
    await page.context().close();
  });

  it('understands a sentence, says for whom it has to be, and why nothing satisfies it', async () => {
    const { page, faults } = await shown('#/ask');
    let dialogs = 0;
    page.on('dialog', (dialog) => {
      dialogs += 1;
      void dialog.dismiss();
    });
    const say = async (text: string) => {
      await page.getByRole('textbox', { name: 'Say what you need' }).fill(text);
      await page.keyboard.press('Enter');
    };
    await say(`12 streams of detection from street-a within 500 ms ${HOSTILE}`);
    await page.getByText('nobody said for which tenant').waitFor();
    expect(await page.locator('mark').allInnerTexts()).toContain('500 ms');
    await page.getByText('For tenant: the only one there is').click();
    await page.getByLabel('For tenant').fill('city');
    await say('12路，street-a，物体识别，300毫秒以内');
    await page.getByRole('heading', { name: 'Nothing satisfies what was asked' }).waitFor();
    await page.getByRole('link', { name: 'Map' }).click();
    await page.getByRole('link', { name: 'Ask' }).click();
    await page.getByRole('heading', { name: 'Nothing satisfies what was asked' }).waitFor();
    // A verdict in words is written down, and what is on offer is left when all begins anew.
    await page.getByRole('button', { name: 'Begin anew' }).click();
    await page.getByLabel('For tenant').fill('lab');
    await say('retrain works well');
    await page.getByText('Recorded: lab/retrain is good.').waitFor();
    expect(dialogs).toBe(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('is usable by keyboard alone', async () => {
    const { page } = await shown('#/map');
    await page.waitForSelector('.map-box');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('6');
    await page.getByRole('heading', { name: 'Operate' }).waitFor();
    await page.keyboard.press('1');
    await page.getByRole('link', { name: 'street-a' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('hub-s');
    await page.getByRole('link', { name: 'street-a' }).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'hub-sichuan' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'hub-sichuan' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'hub-sichuan' }).waitFor();
    await page.context().close();
  });

  it('speaks Chinese where the browser does, and changes when asked', async () => {
    const { page } = await shown('#/operate/sites', { locale: 'zh-CN' });
    await page.getByRole('heading', { name: '运维' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await page.getByLabel('语言').selectOption('en');
    await page.getByRole('heading', { name: 'Operate' }).waitFor();
    await page.context().close();
  });

  it('tells events in the language of the page, and those that come in the one it changed to', async () => {
    const { page, faults } = await shown('#/trust/audit?filter=told', { locale: 'zh-CN' });
    const tenant = (name: string) => brain.apply(`{apiVersion: weir/v1, kind: Tenant, metadata: {name: ${name}}}`);
    const row = (name: string) => page.getByRole('row').filter({ hasText: `tenant/${name}` });
    await tenant('told-1');
    await row('told-1').getByText('定义了租户。').waitFor();
    await page.getByLabel('语言').selectOption('en');
    await row('told-1').getByText('Tenant defined.').waitFor();
    await tenant('told-2');
    await row('told-2').getByText('Tenant defined.').waitFor();
    await page.getByLabel('Language').selectOption('zh');
    await row('told-2').getByText('定义了租户。').waitFor();
    await row('told-1').getByText('定义了租户。').waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'told-' }).count()).toBe(2);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('draws without WebGL what it draws with it', async () => {
    const plain = await launch(false);
    const { page, faults } = await open(plain, brain.rest, brain.token, '#/map');
    await page.waitForSelector('.map[data-renderer="canvas"]');
    await page.waitForTimeout(500);
    const painted = await page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('.map-canvas');
      const pixels = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      let count = 0;
      for (let i = 3; i < pixels.length; i += 4) if (pixels[i] !== 0) count += 1;
      return count;
    });
    expect(painted).toBeGreaterThan(1000);
    expect(faults).toEqual([]);
    await plain.close();
  });

  it('draws on a canvas where WebGL would be slow, and with WebGL elsewhere', async () => {
    const slow = await open(browser, brain.rest, brain.token, '#/map', {}, false);
    await slow.page.waitForSelector('.map[data-renderer="canvas"]');
    await slow.page.context().close();
    const fast = await shown('#/map');
    await fast.page.waitForSelector('.map[data-renderer="webgl"]');
    await fast.page.context().close();
  });

  it('takes names for nothing but names, of any length', async () => {
    const { page, faults } = await shown('#/map');
    await page.getByRole('link', { name: 'street-a' }).waitFor();
    let dialogs = 0;
    page.on('dialog', (dialog) => { dialogs += 1; void dialog.dismiss(); });
    // The brain takes no such names, so they are put into its answers.
    await page.route('**/v1/resources/site?*', async (route) => {
      const answer = await route.fetch();
      const list = (await answer.json()) as { items: { site: { metadata: { name: string }; status: { why: string } } }[] };
      list.items.forEach(({ site }, i) => { site.metadata.name = HOSTILE + (i === 0 ? 'x'.repeat(10_000) : String(i)); site.status.why = HOSTILE.repeat(300); });
      await route.fulfill({ json: list });
    });
    await page.reload();
    await page.getByText('onerror=alert(1)>1').first().waitFor();
    for (const hash of ['#/map', '#/operate/alarms', '#/operate/sites', '#/money/carbon', `#/map?site=${encodeURIComponent(HOSTILE + 'x'.repeat(10_000))}`]) {
      await page.evaluate((next) => (location.hash = next), hash);
      await page.waitForTimeout(300);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), hash.slice(0, 30)).toBe(0);
    }
    expect(dialogs).toBe(0);
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('says that it is not connected, comes back by itself and shows what happened meanwhile', async () => {
    const { page } = await shown('#/operate/sites');
    await page.getByText('Live').waitFor();
    await brain.stop();
    await page.getByText(/Not connected, trying again in/).waitFor();
    await brain.start();
    await brain.apply(siteYaml('while-nobody-looked'));
    await page.getByText('Live').waitFor({ timeout: 30_000 });
    await page.getByRole('link', { name: 'while-nobody-looked' }).waitFor();
    await page.context().close();
  });
});
