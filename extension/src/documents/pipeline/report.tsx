/** A run's HTML report, in a frame where nothing in it can run. */

import { Button } from '@jupyterlab/ui-components';
import React from 'react';

import type { PipelineProgress } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { Waiting } from '../parts/frame';

export function Report({
  run,
  onBack
}: {
  run: PipelineProgress;
  onBack: () => void;
}): JSX.Element {
  const { data, problem } = useAnswer('GET /pipelines/{run}/report', {
    run: run.id
  });
  return (
    <div className="mlnb-Report">
      <div className="mlnb-Report-head">
        <Button minimal small className="mlnb-Action" onClick={onBack}>
          {trans.__('← Back to the run')}
        </Button>
        <span>{run.id}</span>
      </div>
      {data ? (
        <iframe
          title={trans.__('Report of %1', run.id)}
          sandbox=""
          srcDoc={data.html}
        />
      ) : (
        <Waiting problem={problem} />
      )}
    </div>
  );
}
