/** Requests to mlnb's server extension: one wrapper, one kind of error. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Overview, Problem } from './records';
import type { Section } from './tokens';

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

/** The routes of the server extension. */
export interface IApi {
  overview(folder: string): Promise<Overview>;
  list<S extends Section>(section: S, folder: string): Promise<Overview[S]>;
}

export class Api implements IApi {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  overview(folder: string): Promise<Overview> {
    return this._get<Overview>('overview', folder);
  }

  async list<S extends Section>(
    section: S,
    folder: string
  ): Promise<Overview[S]> {
    return (await this._get<Pick<Overview, S>>(section, folder))[section];
  }

  private async _get<T>(route: string, folder: string): Promise<T> {
    const url =
      URLExt.join(this._settings.baseUrl, 'mlnb', 'api', route) +
      URLExt.objectToQueryString({ folder });
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(
        url,
        { method: 'GET' },
        this._settings
      );
    } catch {
      throw new ApiError(
        'NetworkError',
        'The Jupyter server does not answer.',
        'Check that it still runs; the panel tries again by itself.'
      );
    }
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) {
      throw explain(response, body);
    }
    return body as T;
  }
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
        'The server asks you to log in.',
        'Reload the page to log in again.'
      );
    case 404:
      return new ApiError(
        'NoServerExtension',
        "mlnb's server extension is not running.",
        'Run `jupyter server extension enable mlnb`, then restart JupyterLab.'
      );
    default:
      return new ApiError(
        'ServerError',
        `The server answered ${response.status} ${response.statusText}`.trim() +
          '.',
        "The Jupyter server's log has the details."
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
