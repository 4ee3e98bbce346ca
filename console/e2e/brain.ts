import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

// A real brain: its own on loopback in a fresh directory, or one that runs already, such as a lab's.
export interface Brain {
  rest: string;
  authority: string;
  token: string;
  apply(yaml: string): Promise<void>;
  call(method: string, path: string, body?: string, type?: string): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  restart(settings: string): Promise<void>;
  end(): Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}

const tokenIn = (context: string): string => /token = "([^"]+)"/.exec(readFileSync(context, 'utf8'))?.[1] ?? '';

function brainAt(rest: string, authority: string, token: string, process: { stop(): Promise<void>; start(): Promise<void>; restart(settings: string): Promise<void>; end(): Promise<void> }): Brain {
  const ca = readFileSync(authority);
  const call = (method: string, path: string, body = '', type = 'application/json') =>
    new Promise<string>((done, fail) => {
      const sent = request(`${rest}${path}`, { method, ca, headers: { Authorization: `Bearer ${token}`, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) } }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => (answer.statusCode === 200 ? done(text) : fail(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))));
      });
      sent.on('error', fail);
      sent.end(body);
    });
  return {
    rest, authority, token, call,
    apply: async (yaml) => {
      // An answer of at most 1 MiB and 1,000 resources: larger files go in pieces, in their order.
      const documents = yaml.split(/^---$/m);
      for (let at = 0; at < documents.length; at += 900) {
        await call('POST', '/v1/apply', documents.slice(at, at + 900).join('---'), 'application/yaml');
      }
    },
    ...process,
  };
}

// `settings` are further ones of `weir serve`, `restPort` is where REST listens; without them its defaults and any port.
export async function startBrain(settings = '', restPort = 0): Promise<Brain> {
  const existing = process.env.WEIR_E2E_BRAIN;
  if (existing !== undefined) {
    const nothing = async () => undefined;
    const data = process.env.WEIR_E2E_DATA ?? '';
    return brainAt(existing, join(data, 'ca/ca.crt'), tokenIn(join(data, 'context.toml')), { stop: nothing, start: nothing, restart: nothing, end: nothing });
  }
  const binary = process.env.WEIR ?? join(root, 'build/release/bin/weir');
  const data = mkdtempSync(join(tmpdir(), 'weir-console-'));
  const ports = [await freePort(), restPort === 0 ? await freePort() : restPort];
  const config = join(data, 'serve.toml');
  writeFileSync(config, settings);
  let child: ChildProcess | undefined;
  let log = '';
  const stop = async () => {
    const running = child;
    child = undefined;
    if (running === undefined) return;
    const ended = new Promise((done) => running.once('exit', done));
    running.kill('SIGTERM');
    await ended;
  };
  const start = async () => {
    child = spawn(binary, ['serve', '--config', config, '--data', data, '--listen', `127.0.0.1:${ports[0]}`, '--rest', `127.0.0.1:${ports[1]}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
    for (let tries = 0; tries < 200; tries += 1) {
      const ready = await new Promise<boolean>((done) => {
        request({ host: '127.0.0.1', port: ports[1], path: '/healthz', rejectUnauthorized: false }, (answer) => {
          answer.resume();
          done(answer.statusCode === 200);
        }).on('error', () => done(false)).end();
      });
      if (ready && existsSync(join(data, 'context.toml'))) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the brain does not begin: ${log}`);
  };
  await start();
  const restart = async (next: string) => {
    await stop();
    writeFileSync(config, next);
    await start();
  };
  const end = async () => {
    await stop();
    rmSync(data, { recursive: true, force: true });
  };
  return brainAt(`https://127.0.0.1:${ports[1]}`, join(data, 'ca/ca.crt'), tokenIn(join(data, 'context.toml')), { stop, start, restart, end });
}

// The sites, routers and links of the cameras' lab, as a brain takes them.
export function cityYaml(): string {
  return readFileSync(join(root, 'examples/city-cameras/lab.yaml'), 'utf8')
    .split(/^---$/m)
    .filter((document) => !/^kind: Lab$/m.test(document))
    .map((document) => document
      .replace(/^ {2}capacity: .*\n/m, '')
      .replace(/distance: \S+,/, 'delay: 1ms,')
      .replace(/(between: \[[^\]]*\]), rate/, '$1, delay: 1ms, rate'))
    .join('---\n');
}

export function example(path: string): string {
  return readFileSync(join(root, 'examples', path), 'utf8');
}

export function siteYaml(name: string, latitude = '29.8683', longitude = '121.5440'): string {
  return `apiVersion: weir/v1
kind: Site
metadata: {name: ${name}}
spec:
  tier: edge
  region: Zhejiang
  place: {latitude: ${latitude}, longitude: ${longitude}}
  residency: [cn]
  asks: {core_hour: 0.40, gib_hour: 0.04}
  power: {idle_per_core: 4W, peak_per_core: 12W, pue: 1.2, carbon: 0.4974kgCO2/kWh}
  availability: 99.9%
`;
}
