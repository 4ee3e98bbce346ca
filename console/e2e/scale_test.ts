import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrain, type Brain } from './brain';
import { launch, open } from './browser';

// As many sites as WEIR_E2E_SITES says, described to a real brain: how long the console takes to load, and how smooth the map pans.
const count = Number(process.env.WEIR_E2E_SITES ?? '0');

// Cities on a lattice over a country; sites around each, every one linked to its city and each city to two others.
function world(sites: number): string {
  const cities = Math.max(2, Math.round(Math.sqrt(sites)));
  const documents: string[] = [];
  for (let city = 0; city < cities; city += 1) documents.push(`apiVersion: weir/v1\nkind: Router\nmetadata: {name: city-${city}}\nspec: {}\n`);
  const of = (site: number) => site % cities;
  for (let site = 0; site < sites; site += 1) {
    const city = of(site);
    const angle = site * 2.399963;
    const radius = 0.9 * Math.sqrt((Math.floor(site / cities) + 1) / (sites / cities));
    const latitude = 22 + 24 * ((city * 0.6180339887) % 1) + radius * Math.sin(angle);
    const longitude = 86 + (38 * city) / cities + radius * Math.cos(angle);
    documents.push(`apiVersion: weir/v1\nkind: Site\nmetadata: {name: site-${site}}\nspec: {tier: edge, region: r${city}, place: {latitude: ${latitude.toFixed(4)}, longitude: ${longitude.toFixed(4)}}, asks: {core_hour: 0.4, gib_hour: 0.04}, power: {idle_per_core: 4W, peak_per_core: 12W, pue: 1.2, carbon: 0.5kgCO2/kWh}, availability: 99.9%}\n`);
  }
  for (let city = 0; city < cities; city += 1) {
    for (const step of [1, 7]) {
      documents.push(`apiVersion: weir/v1\nkind: Link\nmetadata: {name: core-${city}-${step}}\nspec: {between: [city-${city}, city-${(city + step) % cities}], delay: 5ms, rate: 100Gbps, availability: 99.9%, price: 0.1}\n`);
    }
  }
  for (let site = 0; site < sites; site += 1) {
    documents.push(`apiVersion: weir/v1\nkind: Link\nmetadata: {name: access-${site}}\nspec: {between: [site-${site}, city-${of(site)}], delay: 1ms, rate: 1Gbps, availability: 99.9%, price: 0.1}\n`);
  }
  return documents.join('---\n');
}

// Milliseconds between the frames that the page draws in the next seconds, in ascending order.
const SECONDS = 4;
const framesOf = (page: Page): Promise<number[]> => page.evaluate(async (seconds) => {
  const times: number[] = [];
  let last = performance.now();
  const end = last + seconds * 1000;
  while (last < end) {
    const now = await new Promise<number>((done) => requestAnimationFrame(done));
    times.push(now - last);
    last = now;
  }
  return times.sort((a, b) => a - b);
}, SECONDS);
const frameText = (frames: readonly number[]): string =>
  `${(frames.length / SECONDS).toFixed(1)} frames/s, median ${(frames[Math.floor(frames.length / 2)] ?? 0).toFixed(0)} ms, 95th percentile ${(frames[Math.floor(frames.length * 0.95)] ?? 0).toFixed(0)} ms`;

describe.skipIf(count === 0)(`${count} sites`, () => {
  let brain: Brain;
  beforeAll(async () => {
    brain = await startBrain();
    await brain.apply(world(count));
  }, 600_000);
  afterAll(async () => {
    await brain?.end();
  });

  for (const webgl of [true, false]) it(`load, are drawn and pan ${webgl ? 'with' : 'without'} WebGL`, async () => {
    const browser = await launch();
    const began = Date.now();
    const { page, faults } = await open(browser, brain.rest, brain.token, '#/map', {}, webgl);
    await page.getByText(`0 of ${count} sites`).waitFor();
    const loaded = Date.now() - began;
    await page.waitForTimeout(2000);
    const measured = framesOf(page);
    await page.mouse.move(500, 400);
    await page.mouse.down();
    for (let step = 1, until = Date.now() + 4000; Date.now() < until; step += 1) await page.mouse.move(500 + 150 * Math.sin(step / 6), 400);
    await page.mouse.up();
    const frames = await measured;
    const renderer = await page.evaluate(() => document.querySelector<HTMLElement>('.map')?.dataset.renderer);
    console.info(`${count} sites by ${renderer}: loaded in ${loaded} ms; panning at ${frameText(frames)}`);
    if (process.env.WEIR_E2E_SCREENS !== undefined) await page.screenshot({ path: `${process.env.WEIR_E2E_SCREENS}/map-${count}-${renderer}.png` });
    expect(faults).toEqual([]);
    await browser.close();
  });
});

// So many runs, which this machine could not hold: the pages that the brain would answer are made here, of the same shape.
const runs = Number(process.env.WEIR_E2E_RUNS ?? '0');
const PAGE = 1000;
const INTENTS = 1000;

function runAt(row: number): Record<string, unknown> {
  const plan = 1000 + (row % INTENTS), item = Math.floor(row / INTENTS);
  return {
    id: { plan: String(plan), item }, tenant: `tenant-${plan % 20}`, intent: `work-${plan}`, site: `site-${row % 97}`, node: `n${row % 13}`,
    state: ['running', 'exited', 'planned', 'failed'][row % 4], started: String(1_795_000_000_000_000 + row * 1_000_000), cpu_us: String(row * 977),
    energy_microjoule: String(row * 40_123), billed_per_hour_nanocredits: String(1_000_000 + row),
  };
}

describe.skipIf(runs === 0)(`${runs} runs`, () => {
  let brain: Brain;
  beforeAll(async () => {
    brain = await startBrain();
    await brain.apply(world(10));
  });
  afterAll(async () => {
    await brain?.end();
  });

  it('are listed, scrolled and filtered', async () => {
    const browser = await launch();
    const { page, faults } = await open(browser, brain.rest, brain.token, '#/work/queues');
    await page.route(/\/v1\/resources\/run\?/, async (route) => {
      const from = Number(new URL(route.request().url()).searchParams.get('page_token') ?? '0');
      const items = Array.from({ length: Math.min(PAGE, runs - from) }, (_, i) => ({ run: runAt(from + i) }));
      await route.fulfill({ json: { items, version: '1', ...(from + PAGE < runs ? { nextPageToken: String(from + PAGE) } : {}) } });
    });
    await page.getByRole('heading').first().waitFor();
    const began = Date.now();
    await page.evaluate(() => (location.hash = '#/work/runs'));
    const all = runs.toLocaleString('en');
    await page.getByRole('status').filter({ hasText: `${all} of ${all}` }).waitFor({ timeout: 120_000 });
    const loaded = Date.now() - began;
    const table = page.getByRole('table');
    const box = await table.boundingBox();
    await page.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 300);
    const measured = framesOf(page);
    for (const until = Date.now() + SECONDS * 1000; Date.now() < until;) await page.mouse.wheel(0, 900);
    const frames = await measured;
    const filtering = Date.now();
    await page.getByRole('searchbox').fill('work-1077');
    await page.getByRole('status').filter({ hasText: `${runs / INTENTS} of ${all}` }).waitFor();
    console.info(`${runs} runs: listed in ${loaded} ms; scrolling at ${frameText(frames)}; filtered after ${Date.now() - filtering} ms`);
    expect(await table.getByRole('row').count()).toBeLessThan(100);
    expect(faults).toEqual([]);
    await browser.close();
  });
});
