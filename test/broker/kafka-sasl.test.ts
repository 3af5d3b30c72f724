import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { securityOf } from '../../lib/broker/kafka/client/connection/security.ts'
import { ScramExchange } from '../../lib/broker/kafka/client/connection/sasl/scram-exchange.ts'
import { present } from '../../lib/common/assert.ts'
import { systemClock } from '../../lib/common/clock.ts'

const text = (bytes: Buffer | undefined) => bytes?.toString('utf8')

describe('SCRAM', () => {
  const challenge = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
  const exchange = () => new ScramExchange('sha256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO')

  test('the example of RFC 7677', () => {
    const scram = exchange()
    expect(text(scram.first())).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    expect(text(scram.next(Buffer.from(challenge)))).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    )
    expect(scram.next(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))).toBeUndefined()
  })

  test.each([
    { name: 'a nonce that is not ours', words: [challenge.replace('rOpr', 'xxxx')] },
    {
      name: 'a number of iterations that would keep us busy for hours',
      words: [challenge.replace('4096', '999999999')],
    },
    { name: 'a broker that does not know the password', words: [challenge, 'v=AAAA'] },
    { name: 'a refusal', words: [challenge, 'e=other-error'] },
  ])('$name is not accepted', ({ words }) => {
    const scram = exchange()
    expect(() => words.forEach(each => scram.next(Buffer.from(each)))).toThrow(/SCRAM|password|refuses/)
  })

  test('a name with the signs that SCRAM itself uses', () => {
    expect(text(new ScramExchange('sha512', 'a=b,c', 'p', 'n').first())).toBe('n,,n=a=3Db=2Cc,r=n')
  })
})

describe('OAUTHBEARER', () => {
  test('a token of a provider: asked for with the client’s credentials, sent with the extensions', async () => {
    let asked = ''
    const server = createServer((request, response) => {
      request.on('data', (chunk: Buffer) => (asked += chunk.toString()))
      request.on('end', () => {
        asked += ` ${request.headers.authorization ?? ''}`
        response.end(JSON.stringify({ access_token: 'abc' }))
      })
    })
    onTestFinished(() => void server.close())
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const { sasl } = await securityOf(
      {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.oauthbearer.method': 'oidc',
        'sasl.oauthbearer.client.id': 'me',
        'sasl.oauthbearer.client.secret': 'secret',
        'sasl.oauthbearer.scope': 'kafka',
        'sasl.oauthbearer.extensions': 'cluster=lkc-1,pool=p',
        'sasl.oauthbearer.token.endpoint.url': `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
      },
      systemClock,
    )
    const first = await present(sasl, 'the mechanism').begin().first()
    expect(text(first)).toBe('n,,\x01auth=Bearer abc\x01cluster=lkc-1\x01pool=p\x01\x01')
    expect(asked).toBe(
      `grant_type=client_credentials&scope=kafka Basic ${Buffer.from('me:secret').toString('base64')}`,
    )
  })

  test('a provider that does not answer is named', async () => {
    const { sasl } = await securityOf(
      {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.oauthbearer.method': 'oidc',
        'sasl.oauthbearer.token.endpoint.url': 'http://127.0.0.1:1/token',
      },
      systemClock,
    )
    await expect(present(sasl, 'the mechanism').begin().first()).rejects.toThrow('127.0.0.1:1/token')
  })
})
