/** One run: what came out, as it comes out, and all that it was made of. */

import React, { useEffect } from 'react';

import { mlnbIcon } from '../../icons';
import { useNow } from '../../panel/context';
import { Ago, Badge, FileLink, ProblemBox } from '../../panel/parts';
import { toneOf } from '../../panel/status';
import type { RunDetail, RunRecord } from '../../records';
import { duration } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { Card, Frame, Waiting } from '../parts/frame';
import { ValueTable } from '../parts/values';
import { RunActions } from './actions';
import { Figures, Files, Text } from './files';
import { useHistory } from './history';
import { Metrics } from './metrics';
import { Code, Data, Environment } from './origin';

const TRACEBACK = 'error.txt';

function Document({ id }: { id: string }): JSX.Element {
  const { setTitle } = useDocument();
  const { data, problem, reload } = useAnswer(
    'GET /runs/{run}',
    { run: id },
    { sections: ['runs'] }
  );
  const known = data?.run ?? null;
  const history = useHistory(
    known && known.id,
    known ? `${known.status} ${known.ended ?? ''}` : ''
  );
  const name = known?.name;
  useEffect(() => {
    if (name) {
      setTitle(name);
    }
  }, [name, setTitle]);
  const ended =
    known?.status === 'RUNNING' &&
    history.run &&
    history.run.status !== known.status;
  useEffect(() => {
    if (ended) {
      reload(); // it has kept its files now
    }
  }, [ended, reload]);
  if (!data) {
    return <Waiting problem={problem} />;
  }
  const run = history.run ?? data.run;
  return (
    <Frame
      kind={trans.__('Run')}
      title={run.name}
      status={{ tone: toneOf(run.status), label: run.status.toLowerCase() }}
      badges={<Badges run={run} />}
      summary={<Summary run={run} />}
      actions={<RunActions run={run} />}
      problem={problem}
    >
      {run.error && <Failure detail={data} run={run} />}
      {history.problem && <ProblemBox problem={history.problem} />}
      {detailNote(data)}
      <Metrics
        id={run.id}
        curves={history.curves ?? []}
        metrics={run.metrics}
        started={run.started}
      />
      {Object.keys(run.params).length > 0 && (
        <Card title={trans.__('Parameters')}>
          <ValueTable
            heads={[trans.__('parameter'), trans.__('value')]}
            search={trans.__('Filter parameters')}
            rows={Object.entries(run.params).sort(([one], [other]) =>
              one < other ? -1 : 1
            )}
          />
        </Card>
      )}
      <Data links={data.links} />
      <Figures run={run.id} files={data.files} />
      <Code detail={{ ...data, run }} />
      <Environment detail={data} />
      {Object.keys(run.tags).length > 0 && (
        <Card title={trans.__('Tags')}>
          <ValueTable
            heads={[trans.__('tag'), trans.__('value')]}
            search={trans.__('Filter tags')}
            rows={Object.entries(run.tags)}
          />
        </Card>
      )}
      <Files run={run.id} files={data.files} more={data.more_files} />
    </Frame>
  );
}

function Badges({ run }: { run: RunRecord }): JSX.Element {
  return (
    <>
      {run.experiment && <Badge>{run.experiment}</Badge>}
      {run.waiting && (
        <span title={trans.__('Some of it is not in the tracking store yet.')}>
          <Badge>{trans.__('waiting')}</Badge>
        </span>
      )}
    </>
  );
}

function Summary({ run }: { run: RunRecord }): JSX.Element {
  const going = run.status === 'RUNNING';
  const now = useNow(going ? 1000 : null);
  const parts: React.ReactNode[] = [
    run.status.toLowerCase(),
    duration(run.started, run.ended, now),
    <Ago key="ago" time={run.started} />,
    run.notebook && <FileLink key="notebook" path={run.notebook} />,
    run.git_commit &&
      (run.git_dirty
        ? trans.__('%1 with uncommitted changes', run.git_commit.slice(0, 8))
        : run.git_commit.slice(0, 8)),
    run.author
  ].filter(Boolean);
  return (
    <ul className="mlnb-Parts">
      {parts.map((part, at) => (
        <li key={at}>{part}</li>
      ))}
    </ul>
  );
}

/** What went wrong, and where. */
function Failure({
  detail,
  run
}: {
  detail: RunDetail;
  run: RunRecord;
}): JSX.Element {
  const kept = detail.files.some(file => file.path === TRACEBACK);
  return (
    <Card wide title={trans.__('Error')}>
      <p className="mlnb-Error">{run.error}</p>
      {kept && <Text run={run.id} path={TRACEBACK} />}
    </Card>
  );
}

function detailNote(detail: RunDetail): JSX.Element | null {
  return detail.note ? (
    <Card wide title={trans.__('Note')}>
      <p className="mlnb-RunNote">{detail.note}</p>
    </Card>
  ) : null;
}

export const run: IDocumentKind = {
  kind: 'run',
  icon: mlnbIcon,
  title: id => trans.__('Run %1', id.slice(0, 8)),
  Component: Document
};
