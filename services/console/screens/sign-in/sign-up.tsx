import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { FormEvent } from 'react'
import { signUp } from '../../api/sign-in.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

interface SignUpProps {
  readonly invitation: string
}

export function SignUp({ invitation }: SignUpProps) {
  const navigate = useNavigate()
  const entry = useMutation({
    mutationFn: (form: FormData) =>
      signUp({ email: text(form, 'email'), name: text(form, 'name'), password: text(form, 'password'), invitation }),
    onSuccess: () => navigate({ to: '/' }),
  })
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    entry.mutate(new FormData(event.currentTarget))
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text>You are invited. Make an account with the address that the mail came to.</Text>
        <TextInput name="email" label="Mail address" type="email" autoComplete="username" required />
        <TextInput name="name" label="Name" autoComplete="name" required maxLength={100} />
        <PasswordInput
          name="password"
          label="Password"
          description="At least 10 characters"
          autoComplete="new-password"
          required
          minLength={10}
        />
        {entry.error && <ProblemAlert error={entry.error} />}
        <Button type="submit" loading={entry.isPending}>
          Make an account and join
        </Button>
      </Stack>
    </form>
  )
}

function text(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}
