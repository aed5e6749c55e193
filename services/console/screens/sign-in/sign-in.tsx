import { Alert, Anchor, Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { requestLink, signIn } from '../../api/sign-in.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import classes from './sign-in.module.css'

interface SignInProps {
  /** The session ended while somebody was at work. */
  readonly ended: boolean
}

export function SignIn({ ended }: SignInProps) {
  const [byLink, setByLink] = useState(false)
  useEffect(() => {
    document.title = 'Sign in · Slipway'
  }, [])
  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" className={classes.card}>
        <Stack>
          <Title order={1} size="h2">
            Sign in to Slipway
          </Title>
          {ended && <Alert color="yellow">Your session has ended. Sign in to go on where you were.</Alert>}
          {byLink ? <LinkForm /> : <PasswordForm />}
          <Anchor component="button" type="button" size="sm" onClick={() => setByLink(!byLink)}>
            {byLink ? 'Use a password instead' : 'Send me a sign-in link instead'}
          </Anchor>
        </Stack>
      </Paper>
    </main>
  )
}

function PasswordForm() {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const entry = useMutation({ mutationFn: () => signIn({ email, password }) })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    entry.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Mail address"
          type="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {entry.error && <ProblemAlert error={entry.error} />}
        <Button type="submit" loading={entry.isPending}>
          Sign in
        </Button>
      </Stack>
    </form>
  )
}

function LinkForm() {
  const [email, setEmail] = useState('')
  const request = useMutation({ mutationFn: () => requestLink(email) })
  if (request.isSuccess) return <Text>If {email} has an account here, a mail with a link is on its way. You can close this page.</Text>
  const submit = (event: FormEvent) => {
    event.preventDefault()
    request.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Mail address"
          type="email"
          autoComplete="username"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        {request.error && <ProblemAlert error={request.error} />}
        <Button type="submit" loading={request.isPending}>
          Send me a link
        </Button>
      </Stack>
    </form>
  )
}
