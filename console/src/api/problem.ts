// A failure that a person can act on: RFC 9457 with the fields of weir.v1.ErrorDetail.
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly what: string,
    readonly where: string = '',
    readonly remedy: string = '',
    readonly status: number = 0,
  ) {
    super(what);
  }

  // The token is missing, wrong, expired or revoked, as opposed to one whose role may not.
  get signedOut(): boolean {
    return this.status === 401;
  }
}

// What an answer other than 2xx says; a body that is not a problem is kept as text, in bounds.
export function problemOf(status: number, body: string): Problem {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) {
      const field = (name: string): string => {
        const value = (parsed as Record<string, unknown>)[name];
        return typeof value === 'string' ? value : '';
      };
      const what = field('what') || field('detail') || field('title');
      if (what !== '') return new Problem(field('code') || String(status), what, field('where'), field('remedy'), status);
    }
  } catch {
    // Not JSON: said as it is below.
  }
  return new Problem(String(status), body.slice(0, 500) || `HTTP ${status}`, '', '', status);
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem('unreachable', error instanceof Error ? error.message : String(error));
}
