/** Requests to mlnb's server extension: one wrapper, one kind of error. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Problem, Wire } from './records';
import { trans } from './translation';

/** A request that was not answered as hoped, said so that a person can act on it. */
export class ApiError extends Error implements Problem {
  constructor(
    readonly error: string,
    message: string,
    readonly fix: string
  ) {
    super(message);
  }
}

/** What each route of the server extension takes and answers. */
export type Routes = Wire['routes'];
export type Route = keyof Routes;
export type Asked<R extends Route> = Routes[R]['asked'];
export type Answer<R extends Route> = Routes[R]['answer'];

/** The server extension. */
export interface IApi {
  /**
   * Put a question to a route.
   *
   * @param asked - What the route takes: parts of its path, the query, and the body.
   * @throws ApiError
   */
  ask<R extends Route>(route: R, asked: Asked<R>): Promise<Answer<R>>;
  /** Where a route answers, for an image or a link. */
  url<R extends Route>(route: R, asked: Asked<R>): string;
}

export class Api implements IApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  async ask<R extends Route>(route: R, asked: Asked<R>): Promise<Answer<R>> {
    const { body } = asked as { body?: object };
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        this.url(route, asked),
        {
          method: methodOf(route),
          ...(body && { body: JSON.stringify(body) })
        },
        this._settings
      );
    } catch {
      throw new ApiError(
        'NetworkError',
        trans.__('The Jupyter server does not answer.'),
        trans.__('Check that it still runs; the panel tries again by itself.')
      );
    }
    const content: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      throw explain(response, content);
    }
    return content as Answer<R>;
  }

  url<R extends Route>(route: R, asked: Asked<R>): string {
    const left = { ...asked } as Record<string, unknown>;
    delete left.body;
    const path = pathOf(route).replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(left[name]);
      delete left[name];
      return encodeURIComponent(value);
    });
    return (
      URLExt.join(this._settings.baseUrl, 'mlnb', 'api') + path + query(left)
    );
  }
}

type Value = string | number | boolean | null | undefined;

function methodOf(route: Route): string {
  return route.slice(0, route.indexOf(' '));
}

function pathOf(route: Route): string {
  return route.slice(route.indexOf(' ') + 1);
}

function query(asked: Record<string, unknown>): string {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) {
    for (const item of (Array.isArray(value) ? value : [value]) as Value[]) {
      if (item !== undefined && item !== null) {
        said.append(name, String(item));
      }
    }
  }
  const text = said.toString();
  return text && `?${text}`;
}

/** Turn an error response into words. */
function explain(response: Response, body: unknown): ApiError {
  if (isProblem(body)) {
    return new ApiError(body.error, body.message, body.fix);
  }
  switch (response.status) {
    case 401:
    case 403:
      return new ApiError(
        'Forbidden',
        trans.__('The server asks you to log in.'),
        trans.__('Reload the page to log in again.')
      );
    case 404:
      return new ApiError(
        'NoServerExtension',
        trans.__("mlnb's server extension is not running."),
        trans.__(
          'Run `jupyter server extension enable mlnb`, then restart JupyterLab.'
        )
      );
    default:
      return new ApiError(
        'ServerError',
        trans.__(
          'The server answered %1.',
          `${response.status} ${response.statusText}`.trim()
        ),
        trans.__("The Jupyter server's log has the details.")
      );
  }
}

function isProblem(body: unknown): body is Problem {
  const candidate = body as Partial<Problem> | null;
  return (
    typeof candidate?.error === 'string' &&
    typeof candidate.message === 'string' &&
    typeof candidate.fix === 'string'
  );
}

/** Any thrown thing as a problem to show. */
export function asProblem(reason: unknown): Problem {
  if (reason instanceof ApiError) {
    return { error: reason.error, message: reason.message, fix: reason.fix };
  }
  return {
    error: 'Error',
    message: reason instanceof Error ? reason.message : String(reason),
    fix: ''
  };
}
