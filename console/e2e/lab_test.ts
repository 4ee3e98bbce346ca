import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '../src/api/types';
import { startBrain, type Brain } from './brain';
import { launch, open } from './browser';

// With work that runs: WEIR_E2E_BRAIN and WEIR_E2E_DATA name a lab's brain, to which examples/city-cameras and examples/queues are applied.
const weir = process.env.WEIR ?? join(resolve(import.meta.dirname, '../..'), 'build/release/bin/weir');

describe.skipIf(process.env.WEIR_E2E_BRAIN === undefined)('the console of a lab', () => {
  let brain: Brain;
  let browser: Browser;
  beforeAll(async () => {
    brain = await startBrain();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });

  it('explains a plan: chosen, runners-up with margins, the way on a map, what if', async () => {
    const { page, faults } = await open(browser, brain.rest, brain.token, '#/work/intent/city/cameras');
    await page.getByRole('heading', { name: 'Chosen' }).waitFor();
    // How fast the machine is decides which places would do.
    const { plan } = JSON.parse(await brain.call('GET', '/v1/explanations/cameras?tenant=city')) as Explanation;
    for (const { reason = '' } of plan?.alternatives ?? []) await page.getByText(reason).first().waitFor();
    expect(await page.getByText(/ more to the decision, .* credits\/h on the bill/).count()).toBe(plan?.alternatives?.filter((each) => each.feasible).length);
    await page.locator('figure .map-canvas').waitFor();
    await page.getByRole('textbox').first().fill('promise.latency=450ms,where.sites=2');
    await page.getByRole('button', { name: 'Decide on a copy' }).click();
    await page.getByRole('rowheader', { name: 'Billed' }).waitFor();
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('streams what a run writes', async () => {
    const { page } = await open(browser, brain.rest, brain.token, '#/work/runs');
    await page.getByRole('row').filter({ hasText: 'city/cameras' }).getByRole('link').first().click();
    await page.getByRole('log').getByText('listening on').waitFor();
    await page.context().close();
  });

  it('leads from a line of the bill to the intent and to the event', async () => {
    const { page } = await open(browser, brain.rest, brain.token, '#/money/bill?period=hour');
    const lines = page.getByRole('table', { name: 'Lines' });
    await lines.getByRole('link', { name: 'city/cameras' }).first().waitFor();
    await page.locator('.chart canvas').waitFor({ timeout: 60_000 });
    await lines.getByRole('row').nth(1).getByRole('link').last().click();
    await page.getByText('The record is in the ledger, as it was written.').waitFor();
    expect(await page.getByText('PlanCommitted').count()).toBeGreaterThan(0);
    await page.context().close();
  });

  it('drains with a reason and consent, which the audit then shows', async () => {
    const { page } = await open(browser, brain.rest, brain.token, '#/operate/sites');
    const row = page.getByRole('row').filter({ hasText: 'hub-ningxia' });
    await row.getByRole('button', { name: 'Drain' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason, for the record').fill('new power supply');
    await dialog.getByRole('button', { name: 'Drain' }).click();
    await row.getByText('draining').waitFor();
    await row.getByRole('button', { name: 'Undrain' }).click();
    await dialog.getByRole('button', { name: 'Undrain' }).click();
    await row.getByText('up', { exact: true }).waitFor();
    await page.evaluate(() => (location.hash = '#/operate/nodes'));
    const node = page.getByRole('row').filter({ hasText: 'hub-ningxia' });
    await node.getByRole('button', { name: 'Cordon' }).click();
    await dialog.getByLabel('Reason, for the record').fill('a fan is loud');
    await dialog.getByRole('button', { name: 'Cordon' }).click();
    await node.getByRole('button', { name: 'Uncordon' }).click();
    await dialog.getByRole('button', { name: 'Uncordon' }).click();
    await node.getByRole('button', { name: 'Cordon', exact: true }).waitFor();
    await page.evaluate(() => (location.hash = '#/trust/audit?people=yes'));
    await page.getByRole('cell', { name: /new power supply/ }).first().waitFor();
    await page.getByRole('cell', { name: /a fan is loud/ }).first().waitFor();
    await page.context().close();
  });

  it('shows a cut link within a second of its event', async () => {
    const { page } = await open(browser, brain.rest, brain.token, '#/map?list=links');
    const row = page.getByRole('row').filter({ hasText: 'street-a-hangzhou' });
    await row.getByText('up').waitFor();
    try {
      execFileSync(weir, ['lab', 'cut', 'street-a-hangzhou']);
      await row.getByText(/down|one direction/).waitFor({ timeout: 20_000 });
      const seen = Date.now();
      const events = await brain.call('GET', '/v1/events?follow=false&names=LinkStateChanged');
      const of = events.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)) as { at: string; subject: string; text: string })
        .filter((event) => event.subject === 'link/street-a-hangzhou' && event.text.includes('down'));
      const at = Number(BigInt(of.at(-1)?.at ?? '0') / 1000n);
      console.info(`a cut link was seen ${seen - at} ms after its event`);
      expect(seen - at).toBeLessThan(1000);
    } finally {
      execFileSync(weir, ['lab', 'heal', 'street-a-hangzhou']);
    }
    await row.getByText('up', { exact: true }).waitFor({ timeout: 60_000 });
    await page.context().close();
  });
});
