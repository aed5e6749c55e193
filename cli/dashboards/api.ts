import { type Dashboard, quantile, rate } from './panel.ts'

const own = '$in,job=~"$job"'
const requests = `http_server_request_duration_seconds_count{${own}}`
const calls = `http_client_request_duration_seconds{${own}}`

export const api: Dashboard = {
  name: 'api',
  title: 'API',
  choices: [{ name: 'job', label: 'API', from: 'http_server_request_duration_seconds_count{$in}', of: 'job' }],
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          title: 'What is asked for?',
          draw: 'stack',
          unit: 'reqps',
          queries: { '{{http_request_method}} {{http_route}}': rate(requests, ['http_request_method', 'http_route']) },
        },
        {
          title: 'What is answered?',
          draw: 'stack',
          unit: 'reqps',
          queries: { '{{http_response_status_code}}': rate(requests, ['http_response_status_code']) },
        },
        {
          title: 'How many requests are under way?',
          draw: 'stack',
          queries: { '{{http_request_method}}': `sum by (http_request_method) (http_server_active_requests{${own}})` },
        },
        {
          title: 'Which routes fail?',
          unit: 'reqps',
          queries: {
            '{{http_response_status_code}} {{http_request_method}} {{http_route}}': rate(
              `http_server_request_duration_seconds_count{${own},http_response_status_code=~"5.."}`,
              ['http_response_status_code', 'http_request_method', 'http_route'],
            ),
          },
          runbooks: ['SlipwayAvailabilityBurnsFast'],
          noData: 'nothing has failed',
        },
        {
          title: 'Which routes are slow, in 95 of 100 requests?',
          unit: 's',
          queries: {
            '{{http_request_method}} {{http_route}}': quantile(0.95, `http_server_request_duration_seconds{${own}}`, [
              'http_request_method',
              'http_route',
            ]),
          },
          runbooks: ['SlipwayLatencyBurnsFast'],
        },
        {
          title: 'Which ten routes take most time in all?',
          draw: 'table',
          unit: 's',
          queries: {
            '': `topk(10, sum by (http_request_method, http_route) (increase(http_server_request_duration_seconds_sum{${own}}[$__range])))`,
          },
        },
        {
          title: 'How many clients leave before their answer?',
          unit: 'reqps',
          queries: {
            '{{http_route}}': rate(`http_server_request_duration_seconds_count{${own},http_response_status_code="499"}`, ['http_route']),
          },
          noData: 'all clients have waited',
        },
        {
          title: 'How many requests have limits that nobody can check?',
          unit: 'reqps',
          queries: {
            '{{slipway_http_rate_limit_outcome}}': rate(`slipway_http_rate_limit_unchecked_total{${own}}`, [
              'slipway_http_rate_limit_outcome',
            ]),
          },
        },
      ],
    },
    {
      title: 'What they wait for',
      panels: [
        {
          title: 'Whom do they call by HTTP?',
          unit: 'reqps',
          queries: { '{{server_address}}': rate(`http_client_request_duration_seconds_count{${own}}`, ['server_address']) },
        },
        {
          title: 'How long do these calls take, in 95 of 100?',
          unit: 's',
          queries: { '{{server_address}}': quantile(0.95, calls, ['server_address']) },
        },
        {
          title: 'How long do they wait for a connection to Postgres, in 95 of 100 requests?',
          unit: 's',
          queries: {
            '{{db_client_connection_pool_name}}': quantile(0.95, `db_client_connection_wait_time_seconds{${own}}`, [
              'db_client_connection_pool_name',
            ]),
          },
          runbooks: ['SlipwayDatabasePoolExhausted'],
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'How busy are event loops?',
          unit: 'percentunit',
          queries: { '{{instance}}': `max by (instance) (nodejs_eventloop_utilization_ratio{${own}})` },
          limits: { warning: 0.7, bad: 0.9 },
        },
        {
          title: 'How late are event loops?',
          unit: 's',
          queries: { '{{instance}}': `max by (instance) (nodejs_eventloop_delay_p99_seconds{${own}})` },
          limits: { warning: 0.1, bad: 0.25 },
          runbooks: ['SlipwayEventLoopBlocked'],
        },
        {
          title: 'How much heap is in use?',
          unit: 'bytes',
          queries: { '{{instance}}': `sum by (instance) (v8js_memory_heap_used_bytes{${own}})` },
        },
        {
          title: 'How much time goes into garbage collection?',
          unit: 'percentunit',
          queries: { '{{instance}}': rate(`v8js_gc_duration_seconds_sum{${own}}`, ['instance']) },
          limits: { warning: 0.1, bad: 0.3 },
        },
      ],
    },
  ],
}
