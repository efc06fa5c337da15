//! The bindings that wasmtime generates for the world in `wit/`.

use self::archipel::island::channels;
use crate::exchange::channel_meta::Unbound;

wasmtime::component::bindgen!({
    path: "wit",
    world: "island",
    imports: {
        default: trappable,
        "archipel:island/aliases.call": async | trappable,
        "archipel:island/aliases.reply": async | trappable,
        "archipel:island/channels.[method]sender.send": async | trappable,
        "archipel:island/channels.[method]sender.put": async | trappable,
        "archipel:island/channels.[method]sender.put-array": async | trappable,
        "archipel:island/channels.[method]receiver.receive": async | trappable,
        "archipel:island/channels.[method]receiver.take": async | trappable,
        "archipel:island/interpreters.create": async | trappable,
        "archipel:island/interpreters.create-with": async | trappable,
        "archipel:island/interpreters.[method]interpreter.start": async | trappable,
        "archipel:island/interpreters.[method]interpreter.run": async | trappable,
        "archipel:island/interpreters.[method]interpreter.copy": async | trappable,
        "archipel:island/interpreters.[method]interpreter.reset": async | trappable,
        "archipel:island/interpreters.[method]task.finish": async | trappable,
        "archipel:island/waiting.wait": async | trappable,
    },
    exports: { default: async },
    with: {
        "archipel:island/channels.sender": crate::island::handles::SenderEnd,
        "archipel:island/channels.receiver": crate::island::handles::ReceiverEnd,
        "archipel:island/interpreters.interpreter": crate::island::handles::InterpreterRef,
        "archipel:island/interpreters.task": crate::island::tasks::Task,
    },
});

impl From<channels::Unbound> for Unbound {
    fn from(unbound: channels::Unbound) -> Self {
        match unbound {
            channels::Unbound::Keep => Unbound::Keep,
            channels::Unbound::Remove => Unbound::Remove,
            channels::Unbound::Error => Unbound::Error,
            channels::Unbound::Replace => Unbound::Replace,
        }
    }
}

impl From<Unbound> for channels::Unbound {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::Keep => channels::Unbound::Keep,
            Unbound::Remove => channels::Unbound::Remove,
            Unbound::Error => channels::Unbound::Error,
            Unbound::Replace => channels::Unbound::Replace,
        }
    }
}
