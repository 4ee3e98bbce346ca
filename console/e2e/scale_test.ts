import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBrain, type Brain } from './brain';
import { launch, open } from './browser';
import { serve, type Served } from './server';

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
    documents.push(`apiVersion: weir/v1\nkind: Site\nmetadata: {name: site-${site}}\nspec: {tier: edge, region: r${city}, place: {latitude: ${latitude.toFixed(4)}, longitude: ${longitude.toFixed(4)}}, asks: {core_hour: 0.4}, availability: 99.9%}\n`);
  }
  for (let city = 0; city < cities; city += 1) {
    for (const step of [1, 7]) {
      documents.push(`apiVersion: weir/v1\nkind: Link\nmetadata: {name: core-${city}-${step}}\nspec: {between: [city-${city}, city-${(city + step) % cities}], delay: 5ms, rate: 100Gbps, price: 0.1}\n`);
    }
  }
  for (let site = 0; site < sites; site += 1) {
    documents.push(`apiVersion: weir/v1\nkind: Link\nmetadata: {name: access-${site}}\nspec: {between: [site-${site}, city-${of(site)}], delay: 1ms, rate: 1Gbps, price: 0.1}\n`);
  }
  return documents.join('---\n');
}

describe.skipIf(count === 0)(`${count} sites`, () => {
  let brain: Brain;
  let served: Served;
  let browser: Browser;
  beforeAll(async () => {
    brain = await startBrain();
    await brain.apply(world(count));
    served = await serve(brain);
    browser = await launch();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await brain?.end();
  });

  it('load, are drawn and pan', async () => {
    const began = Date.now();
    const { page, faults } = await open(browser, served.origin, brain.token, '#/map');
    await page.getByText(`0 of ${count} sites`).waitFor();
    const loaded = Date.now() - began;
    await page.waitForTimeout(2000);
    const frames = await page.evaluate(async () => {
      const box = document.querySelector<HTMLElement>('.map-box');
      const target = box?.querySelector('.sigma-mouse') ?? box?.querySelector('canvas') ?? document.body;
      const at = (type: string, x: number, on: EventTarget) => on.dispatchEvent(new MouseEvent(type, { clientX: x, clientY: 400, bubbles: true, buttons: 1, view: window }));
      at('mousedown', 500, target);
      const times: number[] = [];
      let last = performance.now();
      const end = last + 4000;
      while (last < end) {
        at('mousemove', 500 + 150 * Math.sin(last / 300), document);
        const now = await new Promise<number>((done) => requestAnimationFrame(done));
        times.push(now - last);
        last = now;
      }
      at('mouseup', 500, document);
      return times.sort((a, b) => a - b);
    });
    const renderer = await page.evaluate(() => document.querySelector<HTMLElement>('.map')?.dataset.renderer);
    const median = frames[Math.floor(frames.length / 2)] ?? 0;
    const slow = frames[Math.floor(frames.length * 0.95)] ?? 0;
    console.info(`${count} sites by ${renderer}: loaded in ${loaded} ms; panning at ${(frames.length / 4).toFixed(1)} frames/s, median ${median.toFixed(0)} ms, 95th percentile ${slow.toFixed(0)} ms`);
    if (process.env.WEIR_E2E_SCREENS !== undefined) await page.screenshot({ path: `${process.env.WEIR_E2E_SCREENS}/map-${count}.png` });
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
