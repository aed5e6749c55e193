import { type Dashboard, quantile, rate } from './panel.ts'

const name = 'messaging_destination_name'
const own = `$in,${name}=~"$queue"`
const workers = '$in,job=~".+-worker"'

export const queues: Dashboard = {
  name: 'queues',
  title: 'Queues and workers',
  choices: [{ name: 'queue', label: 'Queue', from: 'slipway_queue_jobs{$in}', of: name }],
  rows: [
    {
      title: 'What waits',
      panels: [
        {
          title: 'How long has the oldest job waited?',
          unit: 's',
          queries: { [`{{${name}}}`]: `max by (${name}) (slipway_queue_oldest_age_seconds{${own}})` },
          limits: { warning: 120, bad: 900 },
          runbooks: ['SlipwayQueueStuck', 'SlipwayWorkerGone'],
        },
        {
          title: 'How many jobs are there, by state?',
          queries: {
            [`{{${name}}} {{slipway_job_state}}`]: `max by (${name}, slipway_job_state) (slipway_queue_jobs{${own},slipway_job_state=~"pending|waiting|active|delayed"})`,
          },
          runbooks: ['SlipwayBacklogGrows'],
        },
        {
          title: 'How many have failed for good?',
          queries: { [`{{${name}}}`]: `max by (${name}) (slipway_queue_jobs{${own},slipway_job_state="dead"})` },
          limits: { warning: 1, bad: 10 },
          runbooks: ['SlipwayDeadLetters'],
        },
        {
          title: 'How long do jobs wait, in 95 of 100?',
          unit: 's',
          queries: { [`{{${name}}}`]: quantile(0.95, `slipway_queue_wait_seconds{${own}}`, [name]) },
        },
      ],
    },
    {
      title: 'What is done',
      panels: [
        {
          title: 'How many attempts a second, and how do they end?',
          draw: 'stack',
          unit: 'ops',
          queries: {
            [`{{${name}}} {{slipway_job_outcome}}`]: rate(`messaging_process_duration_seconds_count{${own}}`, [
              name,
              'slipway_job_outcome',
            ]),
          },
        },
        {
          title: 'How long do attempts take, in 95 of 100?',
          unit: 's',
          queries: { [`{{${name}}}`]: quantile(0.95, `messaging_process_duration_seconds{${own}}`, [name]) },
        },
        {
          title: 'How many attempts do jobs take, in 95 of 100?',
          queries: { [`{{${name}}}`]: quantile(0.95, `slipway_queue_attempts{${own}}`, [name]) },
        },
        {
          title: 'How many jobs lose their worker?',
          unit: 'ops',
          queries: { [`{{${name}}}`]: rate(`slipway_queue_stalled_total{${own}}`, [name]) },
          runbooks: ['SlipwayJobsStall'],
          noData: 'no job has lost its worker',
        },
        {
          title: 'How many become dead letters?',
          unit: 'ops',
          queries: { [`{{${name}}}`]: rate(`slipway_queue_dead_letters_total{${own}}`, [name]) },
          runbooks: ['SlipwayDeadLetters'],
          noData: 'no job has failed for good',
        },
      ],
    },
    {
      title: 'Workers',
      panels: [
        { title: 'How many workers are there?', queries: { '{{job}}': `count by (job) (nodejs_eventloop_utilization_ratio{${workers}})` } },
        {
          title: 'How busy are their event loops?',
          unit: 'percentunit',
          queries: { '{{instance}}': `max by (instance) (nodejs_eventloop_utilization_ratio{${workers}})` },
          limits: { warning: 0.7, bad: 0.9 },
        },
        {
          title: 'How late are their event loops?',
          unit: 's',
          queries: { '{{instance}}': `max by (instance) (nodejs_eventloop_delay_p99_seconds{${workers}})` },
          limits: { warning: 0.1, bad: 0.25 },
          runbooks: ['SlipwayEventLoopBlocked', 'SlipwayJobsStall'],
        },
        {
          title: 'How much heap is in use?',
          unit: 'bytes',
          queries: { '{{instance}}': `sum by (instance) (v8js_memory_heap_used_bytes{${workers}})` },
        },
      ],
    },
  ],
}
