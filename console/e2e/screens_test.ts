import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cityYaml, example, startBrain, type Brain } from './brain';
import { launch, open } from './browser';

// Pictures of every page, for people: into the folder WEIR_E2E_SCREENS, in both languages and themes and two widths.
const folder = process.env.WEIR_E2E_SCREENS;
const only = process.env.WEIR_E2E_ONLY;

const PAGES: Record<string, string> = {
  map: '#/map', 'map-site': '#/map?site=hub-sichuan', 'map-link': '#/map?link=hangzhou-wuhan', 'map-intent': '#/map?intent=city/cameras',
  intents: '#/work/intents', intent: '#/work/intent/city/cameras', jobs: '#/work/jobs', 'job-waiting': '#/work/intent/city/sweep', workflows: '#/work/workflows',
  workflow: '#/work/workflow/city/street-video', runs: '#/work/runs', queues: '#/work/queues',
  bill: '#/money/bill?period=hour', prices: '#/money/prices', carbon: '#/money/carbon',
  ledger: '#/trust/ledger?position=5', audit: '#/trust/audit', tokens: '#/trust/tokens',
  alarms: '#/operate/alarms', 'operate-sites': '#/operate/sites', nodes: '#/operate/nodes',
};

describe.skipIf(folder === undefined)('screens', () => {
  let brain: Brain;
  let browser: Browser;
  beforeAll(async () => {
    brain = await startBrain();
    if (process.env.WEIR_E2E_BRAIN === undefined) {
      await brain.apply(cityYaml());
      await brain.apply(example('queues/queues.yaml'));
    }
    browser = await launch();
    mkdirSync(folder ?? '', { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await brain?.end();
  });

  for (const [width, height] of [[1280, 800], [400, 800]] as const) {
    for (const [language, theme] of [['en', 'light'], ['zh', 'dark'], ['en', 'dark'], ['zh', 'light']] as const) {
      const look = `${width}-${language}-${theme}`;
      it.skipIf(only !== undefined && !look.includes(only))(look, async () => {
        const { page, faults } = await open(browser, brain.rest, brain.token, '#/map', {
          viewport: { width, height }, locale: language === 'zh' ? 'zh-CN' : 'en-GB', colorScheme: theme,
        });
        await page.waitForSelector('.map-box');
        for (const [name, hash] of Object.entries(PAGES)) {
          await page.evaluate((next) => (location.hash = next), hash);
          await page.waitForTimeout(900);
          await page.screenshot({ path: join(folder ?? '', `${name}-${look}.png`) });
        }
        await page.context().close();
        expect(faults).toEqual([]);
      });
    }
  }
});
