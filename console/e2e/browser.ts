import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

export function launch(webgl = true): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, ...(webgl ? ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'] : ['--disable-3d-apis', '--disable-webgl'])],
  });
}

export interface Opened {
  page: Page;
  faults: string[];      // of scripts, and what the policy of the page refused
}

// A page that is signed in. What the console logs as an error is a fault, except requests that failed: tests break those on purpose.
export async function open(browser: Browser, origin: string, token: string, hash: string, options: BrowserContextOptions = {}, software = true): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ignoreHTTPSErrors: true, ...options });
  const faults: string[] = [];
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|net::ERR/.test(message.text())) faults.push(message.text());
  });
  // WebGL that the processor computes counts as WebGL here: there is no other to test with.
  if (software) {
    await page.addInitScript(() => {
      const original = WebGL2RenderingContext.prototype.getExtension as (name: string) => unknown;
      WebGL2RenderingContext.prototype.getExtension = function (this: WebGL2RenderingContext, name: string) {
        return name === 'WEBGL_debug_renderer_info' ? null : original.call(this, name);
      } as typeof WebGL2RenderingContext.prototype.getExtension;
    });
  }
  await page.addInitScript((given) => {
    if (given !== '') sessionStorage.setItem('weir.token', given);
  }, token);
  await page.goto(`${origin}/${hash}`);
  return { page, faults };
}
