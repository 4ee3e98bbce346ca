// The brain of the command line, for programs in Node.js 18 or later: whoever answers has to prove by the domain's certificate authority that
// it is the brain, by whatever address it was reached.
//
//   import { fromContext } from './node.js';
//   const brain = fromContext();

import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client, Denied, Invalid, NotFound } from './weir.js';
import type { Options } from './weir.js';

const BRAIN_NAME = 'brain.weir.internal';
const REST_PORT = 7480;
const CONTEXT_BYTES_MAX = 64 << 10;

/** What fetches from a brain that has a certificate of this authority (PEM). */
export function trusting(ca: string): NonNullable<Options['fetch']> {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const asked = request(url, {
        ca, servername: BRAIN_NAME, minVersion: 'TLSv1.2', method: init.method ?? 'GET', headers: init.headers as Record<string, string>, ...(init.signal ? { signal: init.signal } : {}),
      }, (answer) => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(answer.headers)) if (typeof value === 'string') headers.set(name, value);
        // What is cut is an error, and not an end.
        resolve(new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status: answer.statusCode ?? 0, headers }));
      });
      asked.on('error', reject);
      asked.end(init.body as string | undefined);
    });
}

// The fields of one context: the part of TOML that the file is written in.
function contextOf(file: string, wanted: string | undefined): Record<string, string> {
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) throw new Denied('denied', 'may be read by others, and holds a token', file, `chmod 0600 ${file}`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Denied) throw error;
    throw new NotFound('not-found', 'cannot be read', file, "give the brain's context.toml, or use Client itself");
  }
  if (text.length > CONTEXT_BYTES_MAX) throw new Invalid('invalid', `has more than ${CONTEXT_BYTES_MAX} bytes`, file);
  const tables = new Map<string, Record<string, string>>([['', {}]]);
  let table = '';
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const header = /^\s*\[\s*contexts\s*\.\s*([a-z0-9-]{1,63})\s*\]\s*(#.*)?$/.exec(line);
    const field = /^\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\["\\])*)"|'([^']*)')\s*(#.*)?$/.exec(line);
    if (header?.[1] !== undefined) {
      table = header[1];
      if (tables.has(table)) throw new Invalid('invalid', `has the context ${table} twice`, `${file}:${index + 1}`);
      tables.set(table, {});
    } else if (field?.[1] !== undefined) {
      const held = tables.get(table);
      if (held !== undefined) held[field[1]] = field[2] !== undefined ? field[2].replace(/\\(.)/g, '$1') : (field[3] ?? '');
    } else if (line.trim() !== '' && !line.trimStart().startsWith('#')) {
      throw new Invalid('invalid', 'is no line of a file of contexts', `${file}:${index + 1}`);
    }
  }
  const name = wanted ?? tables.get('')?.current ?? '';
  const found = name === '' ? undefined : tables.get(name);
  if (found === undefined) {
    const known = [...tables.keys()].filter((key) => key !== '').sort().join(', ') || 'none';
    throw new NotFound('not-found', name === '' ? 'no context is current' : `no context ${name}`, file, `there are: ${known}`);
  }
  return found;
}

/** The brain that the command line would use. The file names the endpoint of gRPC; REST is `rest` or $WEIR_REST ("HOST:PORT"), or port 7480 of that host. */
export function fromContext(options: { file?: string; name?: string; rest?: string } & Pick<Options, 'timeoutMs' | 'retryForMs'> = {}): Client {
  const { file: given, name, rest: asked, ...times } = options;
  const set = (variable: string): string | undefined => process.env[variable] || undefined;
  const file = given ?? set('WEIR_CONTEXT_FILE') ?? join(set('XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'weir', 'context.toml');
  const context = contextOf(file, name ?? set('WEIR_CONTEXT'));
  if (context.ca_certificate === undefined) throw new Invalid('invalid', 'has no ca_certificate', file, "copy the brain's ca/ca.crt, and name it there");
  const endpoint = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/.exec(context.endpoint ?? '');
  if (endpoint?.[1] === undefined) throw new Invalid('invalid', 'is not HOST:PORT', `${file}: endpoint`);
  const rest = asked ?? set('WEIR_REST') ?? `${endpoint[1]}:${REST_PORT}`;
  let ca: string;
  try {
    ca = readFileSync(context.ca_certificate, 'utf8');
  } catch {
    throw new NotFound('not-found', 'cannot be read', context.ca_certificate, "copy the brain's ca/ca.crt there");
  }
  return new Client({ url: `https://${rest}`, ...(context.token === undefined ? {} : { token: context.token }), ...times, fetch: trusting(ca) });
}
