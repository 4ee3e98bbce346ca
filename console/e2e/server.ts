import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { Agent, request } from 'node:https';
import { extname, join, normalize, resolve } from 'node:path';
import type { Brain } from './brain';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json',
};

// As the brain serves the console: the same policy, nothing inline.
export const POLICY =
  "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export interface Served {
  origin: string;
  close(): Promise<void>;
}

// The built console and, below /v1, the brain. On 127.0.0.1, which browsers take for a secure context without TLS.
export async function serve(brain: Brain, folder = process.env.WEIR_CONSOLE_OUT ?? '../build/console'): Promise<Served> {
  const root = resolve(folder);
  if (!existsSync(join(root, 'index.html'))) throw new Error(`no console is built in ${root}: npm run build`);
  const agent = new Agent({ ca: readFileSync(brain.authority), keepAlive: true });
  const server: Server = createServer((asked, answer) => {
    const url = new URL(asked.url ?? '/', 'http://console');
    if (url.pathname.startsWith('/v1/')) {
      const passed = request(`${brain.rest}${asked.url}`, { method: asked.method, headers: { ...asked.headers, host: new URL(brain.rest).host }, agent }, (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(answer);
      });
      passed.on('error', () => answer.destroy());
      answer.on('close', () => passed.destroy());
      asked.pipe(passed);
      return;
    }
    const file = normalize(join(root, url.pathname === '/' ? 'index.html' : decodeURIComponent(url.pathname)));
    if (!file.startsWith(root) || !existsSync(file) || !statSync(file).isFile()) {
      answer.writeHead(404).end();
      return;
    }
    answer.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': POLICY });
    createReadStream(file).pipe(answer);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
      agent.destroy();
    }),
  };
}
