//! Mail on its way out: to a mail server, or into a folder.

mod before_tls;
mod error;
mod file;
mod message;
mod settings;
mod smtp;

pub use self::{
    file::FileMailer,
    message::{InvalidMailFrom, MailFrom},
    settings::{InvalidSmtpSettings, SmtpLogin, SmtpSettings},
    smtp::SmtpMailer,
};
