use std::str::FromStr;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, Iterable,
    sea_query::{Expr, Order, Query},
};
use usher_domain::{
    EmailAddress, Languages, MailBacklog, MailId, MailKind, MailRequest, MailRequestId, MailRequestKind,
    OneTimeTokenId, PageSize, QueuedMail, RequestId, Timestamp, UserId,
};

use super::{
    OpenTransaction, SeaOrmBackend, Source,
    entities::{mail_queue, mail_requests},
    error::{failed, failed_reference},
    row::{Row, corrupt, to_json},
};
use crate::{Constraint, MailQueries, MailWrites, StorageResult};

#[async_trait]
impl<S: Source> MailQueries for SeaOrmBackend<S> {
    async fn mail_request_page(&self, size: PageSize) -> StorageResult<Vec<MailRequest>> {
        use mail_requests::Column;
        let query = Query::select()
            .columns(Column::iter())
            .from(mail_requests::Entity)
            .order_by(Column::CreatedAt, Order::Asc)
            .order_by(Column::Id, Order::Asc)
            .limit(size.get() as u64)
            .take();
        self.source.read_all(&query, read_request).await
    }

    async fn mail_due(&self, now: Timestamp, size: PageSize) -> StorageResult<Vec<QueuedMail>> {
        use mail_queue::Column;
        let query = Query::select()
            .columns(Column::iter())
            .from(mail_queue::Entity)
            .and_where(Column::NotBefore.lte(now.as_micros()))
            .order_by(Column::NotBefore, Order::Asc)
            .order_by(Column::Id, Order::Asc)
            .limit(size.get() as u64)
            .take();
        self.source.read_all(&query, read_mail).await
    }

    async fn mail_backlog(&self) -> StorageResult<MailBacklog> {
        use mail_queue::Column;
        let query = Query::select()
            .expr(Column::Id.into_expr().count())
            .expr(Column::CreatedAt.into_expr().min())
            .from(mail_queue::Entity)
            .take();
        let backlog = async {
            let Some(row) = self.source.connection().query_one(&query).await.map_err(failed)? else {
                return Ok(MailBacklog::default());
            };
            let count = row.try_get_by_index::<i64>(0).map_err(failed)?;
            let oldest = row.try_get_by_index::<Option<i64>>(1).map_err(failed)?;
            Ok(MailBacklog {
                count: u64::try_from(count).unwrap_or_default(),
                oldest: oldest.map(Timestamp::from_micros),
            })
        };
        self.source.run(backlog).await
    }
}

#[async_trait]
impl MailWrites for SeaOrmBackend<OpenTransaction> {
    async fn mail_request_insert(&self, request: &MailRequest) -> StorageResult<()> {
        let insert = mail_requests::Entity::insert(request_row(request));
        self.source
            .run(async {
                insert.exec_without_returning(self.source.connection()).await.map_err(failed)?;
                Ok(())
            })
            .await
    }

    async fn mail_request_remove(&self, id: MailRequestId) -> StorageResult<bool> {
        let remove = Query::delete()
            .from_table(mail_requests::Entity)
            .and_where(mail_requests::Column::Id.eq(id.as_uuid()))
            .take();
        self.source.run(async { Ok(self.change(&remove).await? > 0) }).await
    }

    async fn mail_insert(&self, mail: &QueuedMail) -> StorageResult<()> {
        self.source
            .run(async {
                mail_queue::Entity::insert(mail_row(mail)?)
                    .exec_without_returning(self.source.connection())
                    .await
                    .map_err(failed_reference(Constraint::UserExists))?;
                Ok(())
            })
            .await
    }

    async fn mail_claim(&self, id: MailId, attempts: u32, until: Timestamp) -> StorageResult<bool> {
        use mail_queue::Column;
        let claim = Query::update()
            .table(mail_queue::Entity)
            .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .value(Column::NotBefore, until.as_micros())
            .and_where(Column::Id.eq(id.as_uuid()))
            .and_where(Column::Attempts.eq(i64::from(attempts)))
            .take();
        self.source.run(async { Ok(self.change(&claim).await? > 0) }).await
    }

    async fn mail_put_off(&self, id: MailId, not_before: Timestamp, error: &str) -> StorageResult<bool> {
        use mail_queue::Column;
        let put_off = Query::update()
            .table(mail_queue::Entity)
            .value(Column::NotBefore, not_before.as_micros())
            .value(Column::LastError, error)
            .and_where(Column::Id.eq(id.as_uuid()))
            .take();
        self.source.run(async { Ok(self.change(&put_off).await? > 0) }).await
    }

    async fn mail_remove(&self, id: MailId) -> StorageResult<bool> {
        let remove =
            Query::delete().from_table(mail_queue::Entity).and_where(mail_queue::Column::Id.eq(id.as_uuid())).take();
        self.source.run(async { Ok(self.change(&remove).await? > 0) }).await
    }
}

fn read_request(row: Row<'_>) -> StorageResult<MailRequest> {
    use mail_requests::Column;
    Ok(MailRequest {
        id: MailRequestId::from_uuid(row.get(Column::Id)?),
        kind: row.parse(Column::Purpose, MailRequestKind::from_str)?,
        email: row.parse(Column::EmailKey, EmailAddress::parse)?,
        ip: row.parse_optional(Column::Ip, str::parse)?,
        request_id: row.parse_optional(Column::RequestId, |text| RequestId::parse(text).ok_or(()))?,
        languages: Languages::parse(&row.get::<String>(Column::Languages)?),
        created_at: row.time(Column::CreatedAt)?,
    })
}

fn request_row(request: &MailRequest) -> mail_requests::ActiveModel {
    mail_requests::ActiveModel {
        id: Set(request.id.as_uuid()),
        purpose: Set(request.kind.as_str().to_owned()),
        email_key: Set(request.email.as_str().to_owned()),
        ip: Set(request.ip.map(|ip| ip.to_string())),
        request_id: Set(request.request_id.as_ref().map(ToString::to_string)),
        languages: Set(request.languages.to_string()),
        created_at: Set(request.created_at.as_micros()),
    }
}

fn read_mail(row: Row<'_>) -> StorageResult<QueuedMail> {
    use mail_queue::Column;
    Ok(QueuedMail {
        id: MailId::from_uuid(row.get(Column::Id)?),
        kind: row.parse(Column::Kind, MailKind::from_str)?,
        recipient: row.parse(Column::Recipient, EmailAddress::parse)?,
        user: row.get::<Option<_>>(Column::UserId)?.map(UserId::from_uuid),
        token: row.get::<Option<_>>(Column::OneTimeTokenId)?.map(OneTimeTokenId::from_uuid),
        facts: row.details(Column::Payload)?,
        languages: Languages::parse(&row.get::<String>(Column::Languages)?),
        attempts: u32::try_from(row.get::<i64>(Column::Attempts)?).map_err(|_| corrupt(Column::Attempts))?,
        not_before: row.time(Column::NotBefore)?,
        expires_at: row.time(Column::ExpiresAt)?,
        last_error: row.get(Column::LastError)?,
        created_at: row.time(Column::CreatedAt)?,
    })
}

fn mail_row(mail: &QueuedMail) -> StorageResult<mail_queue::ActiveModel> {
    Ok(mail_queue::ActiveModel {
        id: Set(mail.id.as_uuid()),
        kind: Set(mail.kind.as_str().to_owned()),
        recipient: Set(mail.recipient.as_str().to_owned()),
        user_id: Set(mail.user.map(|user| user.as_uuid())),
        one_time_token_id: Set(mail.token.map(|token| token.as_uuid())),
        payload: Set(to_json(&mail.facts)?),
        languages: Set(mail.languages.to_string()),
        attempts: Set(mail.attempts.into()),
        not_before: Set(mail.not_before.as_micros()),
        expires_at: Set(mail.expires_at.as_micros()),
        last_error: Set(mail.last_error.clone()),
        created_at: Set(mail.created_at.as_micros()),
    })
}
