/** Runs lines of the grammar as background jobs, and says in notifications how they go. */

import { Notification } from '@jupyterlab/apputils';

import type { IApi } from '../api';
import { asProblem } from '../api';
import type { Change, Job } from '../records';
import type { DocumentKind, IMlnbModel } from '../tokens';
import { trans } from '../translation';

/** Milliseconds between two looks at a job: the push tells of most ends earlier. */
const LOOK_EVERY = 2000;
const CLOSE_AFTER = 8000;
/** As long as JupyterLab shows them. */
const LONGEST = 140;

/** What is needed of the rest of JupyterLab. */
export interface ISurroundings {
  api: IApi;
  model: IMlnbModel;
  /** Open a document of a project. */
  open(kind: DocumentKind, id: string, folder: string): void;
}

/** What some lines need beside. */
export interface IExtra {
  /** Secret parameters of notebooks; the job's process gets them, and nothing keeps them. */
  secrets?: { [name: string]: string };
  /** What can be done with the result. */
  actions?: (job: Job) => Notification.IAction[];
}

/**
 * Start a line as a job, and show a notification until it has ended.
 *
 * @returns The job as it has ended; null when it could not be started.
 */
export async function runInBackground(
  line: string,
  folder: string,
  around: ISurroundings,
  extra: IExtra = {}
): Promise<Job | null> {
  const id = Notification.emit(line, 'in-progress', { autoClose: false });
  let job: Job;
  try {
    job = await around.api.ask('POST /jobs', {
      folder,
      body: { line, secrets: extra.secrets ?? {} }
    });
  } catch (reason) {
    const { message, fix } = asProblem(reason);
    Notification.update({
      id,
      type: 'error',
      message: cut(`${line}: ${message} ${fix}`),
      autoClose: false
    });
    return null;
  }
  const show = {
    label: trans.__('Show output'),
    callback: () => around.open('job', job.id, folder)
  };
  const cancel = {
    label: trans.__('Cancel'),
    callback: (event: MouseEvent) => {
      event.preventDefault(); // the notification stays
      void around.api
        .ask('DELETE /jobs/{job}', { folder, job: job.id })
        .catch(reason => Notification.error(asProblem(reason).message));
    }
  };
  Notification.update({ id, message: cut(line), actions: [show, cancel] });
  const tell = (running: Job): void => {
    const message = running.last ? `${line}: ${running.last}` : line;
    Notification.update({ id, message: cutInFront(message) });
  };
  const ended = await end(job, folder, around, tell);
  Notification.update({
    id,
    ...said(ended, line),
    actions: [...(extra.actions?.(ended) ?? []), show]
  });
  return ended;
}

function said(
  job: Job,
  line: string
): {
  message: string;
  type: Notification.TypeOptions;
  autoClose: number | false;
} {
  switch (job.status) {
    case 'FINISHED':
      return {
        type: 'success',
        message: cut(trans.__('Done: %1', line)),
        autoClose: CLOSE_AFTER
      };
    case 'KILLED':
      return {
        type: 'warning',
        message: cut(trans.__('Stopped: %1. %2', line, job.message)),
        autoClose: CLOSE_AFTER
      };
    default:
      return {
        type: 'error',
        message: cut(`${job.message} ${job.fix}`.trim()),
        autoClose: false
      };
  }
}

/** Wait until a job has ended: told by a push, or seen by looking. */
function end(
  job: Job,
  folder: string,
  around: ISurroundings,
  tell: (running: Job) => void
): Promise<Job> {
  const { api, model } = around;
  return new Promise(resolve => {
    const settle = (found: Job | undefined): void => {
      if (found && found.status !== 'RUNNING') {
        window.clearInterval(timer);
        model.pushed.disconnect(onPushed);
        resolve(found);
      } else if (found) {
        tell(found);
      }
    };
    const onPushed = (_: unknown, change: Change): void =>
      settle(change.jobs.find(item => item.id === job.id));
    model.pushed.connect(onPushed);
    const timer = window.setInterval(() => {
      api.ask('GET /jobs/{job}', { folder, job: job.id, after: job.said }).then(
        answer => settle(answer.job),
        () => undefined // the server may be there again at the next look
      );
    }, LOOK_EVERY);
    settle(job);
  });
}

/** What a job says last is at the end. */
function cutInFront(text: string): string {
  return text.length > LONGEST ? `…${text.slice(1 - LONGEST)}` : text;
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
