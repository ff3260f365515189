import { Notification } from '@jupyterlab/apputils';
import { Button, stopIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { asProblem } from '../../api';
import type { Job } from '../../records';
import { trans } from '../../translation';
import { useDocument } from '../context';

/** Ends a job that runs. */
export function CancelJob({ job }: { job: Job }): JSX.Element {
  const { api, folder } = useDocument();
  const [asked, setAsked] = useState(false);
  const cancel = (): void => {
    setAsked(true);
    api
      .ask('DELETE /jobs/{job}', { folder, job: job.id })
      .catch((reason: unknown) => {
        setAsked(false);
        Notification.error(asProblem(reason).message);
      });
  };
  return (
    <Button
      minimal
      small
      className="mlnb-Action"
      disabled={asked}
      title={trans.__('Interrupt it; after a while, end it')}
      onClick={cancel}
    >
      <stopIcon.react tag="span" />
      {asked ? trans.__('Stopping…') : trans.__('Cancel')}
    </Button>
  );
}
