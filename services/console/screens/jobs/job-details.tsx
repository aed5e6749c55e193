import { Button, Code, Group, Modal, Stack, Table } from '@mantine/core'
import type { JobItem } from '../../api/calls.ts'
import { api } from '../../api/runtime.ts'
import type { ServiceName } from '../../api/services.ts'
import { useCall, useChange } from '../../api/use-api.ts'
import { momentText, workTimeText } from '../../api/words.ts'
import { CopyAsCurl } from '../../parts/copy-as-curl.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { tell, tellProblem } from '../../parts/tell.tsx'
import { timesOf, traceOf } from './times.ts'

interface JobDetailsProps {
  readonly service: ServiceName
  readonly id: string
  readonly onClose: () => void
}

const actions = [
  { action: 'retry', label: 'Retry', states: ['failed', 'dead', 'retrying', 'cancelled'], done: 'It runs again' },
  {
    action: 'replay',
    label: 'Replay as a new job',
    states: ['completed', 'failed', 'dead', 'cancelled'],
    done: 'A new job does the work again',
  },
  { action: 'cancel', label: 'Cancel', states: ['pending', 'waiting', 'active', 'retrying'], done: 'It is cancelled' },
] as const

export function JobDetails({ service, id, onClose }: JobDetailsProps) {
  const job = useCall(`GET /api/v1/${service}/jobs/{id}`, { params: { id } }, { every: 2000 })
  const change = useChange(
    (action: (typeof actions)[number]['action']) => api.call(`POST /api/v1/${service}/jobs/{id}/${action}`, { params: { id } }),
    [`/api/v1/${service}/jobs`],
  )
  return (
    <Modal opened onClose={onClose} title="Job" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded query={job}>
        {(found) => (
          <Stack>
            <Facts job={found} />
            <Group>
              {actions
                .filter(({ states }) => (states as readonly string[]).includes(found.state))
                .map(({ action, label, done }) => (
                  <Button
                    key={action}
                    variant="default"
                    loading={change.isPending}
                    onClick={() => change.mutate(action, { onSuccess: () => tell(done), onError: tellProblem })}
                  >
                    {label}
                  </Button>
                ))}
              <CopyAsCurl call={`GET /api/v1/${service}/jobs/{id}`} input={{ params: { id } }} />
            </Group>
          </Stack>
        )}
      </Loaded>
    </Modal>
  )
}

function Facts({ job }: { readonly job: JobItem }) {
  const { waited, ran } = timesOf(job)
  const facts: readonly (readonly [name: string, value: string | null])[] = [
    ['Id', job.id],
    ['Queue', job.queue],
    ['State', job.state],
    ['Attempts', `${job.attempts} of ${job.maxAttempts}`],
    ['Given', momentText(job.createdAt)],
    ['Started', job.startedAt && momentText(job.startedAt)],
    ['Ended', job.finishedAt && momentText(job.finishedAt)],
    ['Waited', waited === null ? null : workTimeText(waited)],
    ['Ran', ran === null ? null : workTimeText(ran)],
    ['Tenant', job.tenantId ?? 'the platform'],
    ['By', job.actor],
    ['Trace', traceOf(job)],
    ['Reason', job.reason],
    ['Repeats', job.replayOf],
    ['Repeated as', job.replayedAs],
  ]
  return (
    <>
      <Table aria-label="The job" layout="fixed">
        <Table.Tbody>
          {facts.map(([name, value]) =>
            value ? (
              <Table.Tr key={name}>
                <Table.Th scope="row" w={120}>
                  {name}
                </Table.Th>
                <Table.Td>{value}</Table.Td>
              </Table.Tr>
            ) : null,
          )}
        </Table.Tbody>
      </Table>
      <Code block tabIndex={0} aria-label="Payload">
        {JSON.stringify(job.payload, null, 2)}
      </Code>
      {job.stack && (
        <Code block tabIndex={0} aria-label="Stack">
          {job.stack}
        </Code>
      )}
    </>
  )
}
